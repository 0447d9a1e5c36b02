"""The KFP interface of the step."""

from kfp import dsl

from kanaria.components.shared.images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def evaluate_model(
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    schema: dsl.Input[dsl.Artifact],
    evaluation: dsl.Output[dsl.Artifact],
    outcome: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    eval_config_file: str,
    deployed: str = "",
    split: str = "eval",
) -> bool:
    """Evaluate a model on slices with TFMA and bless it if every threshold holds.

    Args:
        examples: Rows per split; the labels are columns of it.
        model: SavedModel under `<version>/`; `serve_tf_examples` or `serving_default` predicts.
        schema: Schema the examples passed validation against; kept for lineage.
        eval_config_file: Path of a TFMA EvalConfig as text proto: metrics, slices, thresholds.
        deployed: URI of the release to compare with; empty on a first run (no change thresholds).
        split: Name of the split to evaluate on.

    Returns:
        evaluation: Folder that `tfma.load_eval_result` loads.
        outcome: Verdict with every failed threshold, its value and its limit.
        metrics: Overall metrics; those of the deployed model begin with `baseline_`.
        classification: ROC curve and confusion matrix at 0.5; empty if not a binary classifier.
        report: Verdict, thresholds, slices, ROC, calibration, candidate against deployed.
        Output: True if the model is blessed: it has thresholds and all of them hold.
    """
    from kanaria.components.evaluate.evaluate import Request, evaluate

    result = evaluate(
        Request(
            examples=examples.path,
            model=model.path,
            eval_config_file=eval_config_file,
            evaluation=evaluation.path,
            outcome=outcome.path,
            report=report.path,
            deployed=deployed,
            split=split,
        )
    )
    metrics.metadata.update(result.metrics)
    classification.metadata.update(result.classification)
    evaluation.metadata.update(rows=result.row_count, blessed=result.blessed)
    outcome.metadata.update(passed=result.blessed, summary=result.outcome.summary()[:1000])
    return result.blessed

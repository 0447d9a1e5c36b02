"""The KFP interfaces of evaluate_model and bless_model."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def evaluate_model(
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    schema: dsl.Input[dsl.Artifact],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    eval_config_file: str,
    split: str = "eval",
    compute: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
) -> None:
    """Evaluate a model on slices with TFMA; bless_model judges it.

    Args:
        examples: Rows per split; the labels are columns of it.
        model: SavedModel under `<version>/`; `serve_tf_examples` or `serving_default` predicts. Or
            a model of scikit-learn, XGBoost or ONNX.
        schema: Schema the examples passed validation against; kept for lineage.
        eval_config_file: Path of a TFMA EvalConfig as text proto: metrics, slices, thresholds.
        split: Name of the split to evaluate on.
        compute: {"engine": "spark"} and more: where metrics are computed; its keys are listed in
            the README of transform_data.

    Returns:
        evaluation: Folder that `tfma.load_eval_result` loads, with findings.json for bless_model.
        metrics: Overall metrics.
        classification: ROC curve and confusion matrix at 0.5; empty if not a binary classifier.
        report: Overall metrics, ROC, calibration, slices.
    """
    from kanaria.components.evaluate.lean_imports import Inputs, Request, run
    from kanaria.components.shared.artifacts.metadata import tell

    result = run(
        Request(
            inputs=Inputs(
                examples=examples.path,
                model=model.path,
                eval_config_file=eval_config_file,
                split=split,
            ),
            evaluation=evaluation.path,
            report=report.path,
            compute=compute,
        )
    )
    metadata = result.findings.metadata("evaluate_model")
    tell(metadata, evaluation=evaluation, metrics=metrics, report=report)
    classification.metadata.update(result.classification, display_name="classification")


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def bless_model(
    evaluation: dsl.Input[dsl.Artifact],
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    comparison: dsl.Output[dsl.Artifact],
    outcome: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    eval_config_file: str,
    deployed: str = "",
    verify_key: str = "",
    compute: dict = {},  # noqa: B006
) -> bool:
    """Bless an evaluated model if every threshold holds, alone and against the live release.

    Where nothing is live this takes a second. Else both models are evaluated on the same rows.
    The step succeeds whatever it finds: push_model refuses what is not blessed.

    Args:
        evaluation: What evaluate_model found of the model.
        examples: The examples it was evaluated on.
        model: The evaluated model.
        eval_config_file: The EvalConfig it was evaluated by.
        deployed: URI of the live release; empty on a first run (no change thresholds).
        verify_key: Text of the public key that the release must be signed for, as resolve_deployed
            gives it; empty for KANARIA_VERIFY_KEY, where it is set.
        compute: As evaluate_model takes it.

    Returns:
        comparison: Folder that `tfma.load_eval_result` loads: models "candidate" and "baseline";
            a copy of the evaluation on a first run.
        outcome: Verdict with every failed threshold, its value and its limit.
        metrics: Overall metrics; those of the live model begin with `baseline_`.
        report: Verdict, thresholds, slices, ROC, calibration, candidate against live model.
        Output: True if the model is blessed: it has thresholds and all of them hold.
    """
    from pathlib import Path

    from kanaria.components.evaluate.bless import BlessRequest, bless
    from kanaria.components.shared.artifacts.metadata import tell

    decided, findings = bless(
        BlessRequest(
            evaluation=Path(evaluation.path),
            examples=examples.path,
            model=model.path,
            eval_config_file=eval_config_file,
            deployed=deployed,
            verify_key=verify_key,
            comparison=Path(comparison.path),
            outcome=Path(outcome.path),
            report=Path(report.path),
            compute=compute,
        )
    )
    metadata = findings.metadata("bless_model", deployed)
    tell(metadata, comparison=comparison, metrics=metrics, outcome=outcome)
    decided.describe(outcome, report=report)
    return decided.passed

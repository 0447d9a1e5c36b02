"""The KFP interface of push_model."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def push_model(
    model: dsl.Input[dsl.Model],
    outcome: dsl.Input[dsl.Artifact],
    schema: dsl.Input[dsl.Artifact],
    statistics: dsl.Input[dsl.Artifact],
    endpoint: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    model_card: dsl.Output[dsl.HTML],
    service: dict,
    model_root: str,
    delivery: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    rollout_policy_file: str = "",
    serving_samples: dsl.Input[dsl.Artifact] = None,
    drift_detector: dsl.Input[dsl.Artifact] = None,
    data_outcome: dsl.Input[dsl.Artifact] = None,
    validation: dsl.Input[dsl.Artifact] = None,
    evaluation: dsl.Input[dsl.Artifact] = None,
    run_id: str = "",
    pipeline_name: str = "",
    span: str = "",
    data: str = "",
    module_file: str = "",
    trigger: dict = {},  # noqa: B006
    tracking: dict = {},  # noqa: B006
) -> bool:
    """Publish a blessed model as a release and serve it as a canary revision.

    The release's name is the model's fingerprint, so the same model again changes nothing. The
    revision is staged at 0 %, must become ready and pass the checks, and then gets its share; a
    first deployment gets all traffic. Never cache this step.

    Args:
        model: SavedModel below an integer folder, or a model of scikit-learn, XGBoost or ONNX.
        outcome: The blessing of bless_model; a model that did not pass fails this step, and
            nothing is pushed.
        schema: Folder with schema.pbtxt, kept with the release.
        statistics: Statistics of the training data, kept with the release.
        service: {"name": "tips"} and more: what serves, in the words of an InferenceService; its
            keys are in the README.
        model_root: Folder below which releases are published; a path, s3://, minio:// or gs://.
        delivery: {"ready_timeout": 600} and more: how the release comes to its traffic; its keys
            are in the README. {} for the defaults.
        rollout_policy_file: URI of the policy of the rollout that follows: it is read before
            anything is done, and the revision stays at 0 %; or empty.
        serving_samples: Rows and answers of the model, from train_model, kept with the release for
            explanations; without them the revision's signature, answers and latency are not
            checked.
        drift_detector: What fit_drift_detector wrote, kept with the release; or none.
        data_outcome: Outcome of compare_data; data that did not pass fails this step likewise; or
            none.
        validation: Outcome of validate_data: what was tolerated, for the model card; or none.
        evaluation: Comparison of bless_model, or evaluation of evaluate_model: the metrics by
            slice, for the model card and MLflow; or none.
        run_id: Run that pushes, for labels, annotations and the release's record; or empty.
        pipeline_name: Pipeline that pushes, likewise; or empty.
        span: Span of the data, likewise; or empty.
        data: Files the model was trained on, as resolve_span pins them, for the record; or empty.
        module_file: The user's module, likewise; or empty.
        trigger: What started the run, for the record; {} where a person or a schedule did.
        tracking: {"tracking_uri": "http://host:5000"} and more: the MLflow server in which the run
            is logged and the release registered; its keys are in the README. {} for none.

    Returns:
        endpoint: Service, revision, URL, share and checks, or why nothing was pushed.
        report: What the checks before any traffic found.
        model_card: What a person should know of the model; beside the release lies the same.
        Output: Whether the model is served.
    """
    from pathlib import Path

    from kanaria.components.push.lineage import Lineage
    from kanaria.components.push.publish_release import Sources
    from kanaria.components.push.push import PushRequest, push
    from kanaria.components.push.release_card import CardSources

    request = PushRequest(
        sources=Sources.at(
            model.path,
            schema.path,
            statistics.path,
            drift_detector.path if drift_detector else "",
            serving_samples.path if serving_samples else "",
        ),
        outcomes=tuple(Path(each.path) for each in (outcome, data_outcome) if each),
        model_root=model_root,
        service=service,
        delivery=delivery,
        rollout_policy_file=rollout_policy_file,
        samples=Path(serving_samples.path) if serving_samples else None,
        report=Path(report.path),
        card=CardSources(
            evaluation=Path(evaluation.path) if evaluation else None,
            validation=Path(validation.path) if validation else None,
            statistics=statistics.metadata,
            drift=drift_detector.metadata if drift_detector else {},
            page=Path(model_card.path),
        ),
        lineage=Lineage(
            run_id=run_id,
            pipeline=pipeline_name,
            data_span=span,
            data=data,
            module=module_file,
            training=model.metadata,
            trigger=trigger,
        ),
        tracking=tracking,
    )
    delivered = push(request, Path(endpoint.path))
    delivered.describe(endpoint, report, model_card)
    return delivered.pushed

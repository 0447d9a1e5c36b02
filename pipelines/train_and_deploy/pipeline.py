"""The pipeline from files to a canary revision."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl

from kanaria.components import (
    bless_model,
    compare_data,
    evaluate_model,
    fit_drift_detector,
    ingest_data,
    push_model,
    resolve_deployed,
    resolve_span,
    rollout_model,
    train_model,
    transform_data,
    validate_data,
)

NAME = "train-and-deploy"


READ = (
    "query",
    "column_types",
    "separator",
    "splits",
    "key_column",
    "time_column",
    "examples_format",
)
"""Outputs of resolve_span that ingest_data takes under the same name: the entries of reading."""
TO_TRAIN = (
    "module_file",
    "train_steps",
    "eval_steps",
    "hyperparameters",
    "custom_config",
    "seed",
    "model_run_dir",
)
TO_PUSH = ("service", "model_root", "delivery", "rollout_policy_file", "module_file")
"""Parameters of the pipeline that a step takes under the same name."""


def _among(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the pipeline's parameters with these names."""
    return {name: given[name] for name in names}


def _fresh(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Return the task, run anew every time: it reads the world."""
    task.set_caching_options(False)
    return task


def _deployed(**asked: Any) -> dsl.PipelineTask:
    """Find the release that is live when the run starts."""
    return _fresh(resolve_deployed(**asked))


def _span(data: str, **asked: Any) -> dsl.PipelineTask:
    """Find the data of this run; a schedule's time is filled in by KFP's driver."""
    time = dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER
    return _fresh(resolve_span(data=data, schedule_time=time, **asked))


def _for_training(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return what train_model reads, from the tasks that make it."""
    deployed, ingest, validate, transform = tasks
    return {
        "base_model": deployed.outputs["base_model"],
        "examples": ingest.outputs["examples"],
        "schema": validate.outputs["schema"],
        "transform_graph": transform.outputs["transform_graph"],
        "transformed_examples": transform.outputs["transformed_examples"],
    }


def _for_evaluation(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return the artifacts evaluate_model reads, from the tasks that make them."""
    ingest, validate, train = tasks
    return {
        "examples": ingest.outputs["examples"],
        "schema": validate.outputs["schema"],
        "model": train.outputs["model"],
    }


def _for_comparison(validate: dsl.PipelineTask) -> dict[str, Any]:
    """Return the artifacts compare_data reads."""
    return {name: validate.outputs[name] for name in ("statistics", "schema")}


def _for_blessing(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return the artifacts bless_model reads, from the tasks that make them."""
    ingest, train, evaluate = tasks
    return {
        "evaluation": evaluate.outputs["evaluation"],
        "examples": ingest.outputs["examples"],
        "model": train.outputs["model"],
    }


def _for_release(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return the artifacts push_model releases, from the tasks that make them."""
    validate, train, bless, compare, fit = tasks
    return {
        "model": train.outputs["model"],
        "outcome": bless.outputs["outcome"],
        "data_outcome": compare.outputs["outcome"],
        "schema": validate.outputs["schema"],
        "statistics": validate.outputs["statistics"],
        "serving_samples": train.outputs["serving_samples"],
        "drift_detector": fit.outputs["drift_detector"],
    }


def _reference(*tasks: dsl.PipelineTask) -> dsl.PipelineTask:
    """Keep the training rows as what the model's requests are compared with."""
    ingest, validate, train = tasks
    return fit_drift_detector(
        examples=ingest.outputs["examples"],
        schema=validate.outputs["schema"],
        serving_samples=train.outputs["serving_samples"],
    )


def _lineage(found: dsl.PipelineTask) -> dict[str, Any]:
    """Return what tells where a model comes from; the run's id is filled in by KFP's driver."""
    return {
        "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        "pipeline_name": NAME,
        "span": found.outputs["span"],
        "data": found.outputs["data"],
    }


def _rolled_out(push: dsl.PipelineTask, policy_file: Any, **sources: Any) -> None:
    """Roll the canary out under the policy, if there is one."""
    with dsl.If(policy_file != "", name="rollout"):
        _fresh(rollout_model(endpoint=push.outputs["endpoint"], policy_file=policy_file, **sources))


@dsl.pipeline(name=NAME)
def train_and_deploy(
    data: str,
    module_file: str,
    eval_config_file: str,
    service: dict,
    model_root: str,
    reading: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
    schema_file: str = "",
    schema_environment: str = "",
    serving_statistics: str = "",
    materialize: bool = True,
    train_steps: int = 1000,
    eval_steps: int = 100,
    hyperparameters: dict = {},  # noqa: B006
    custom_config: dict = {},  # noqa: B006
    seed: int = 0,
    warm_start: bool = False,
    model_run_dir: str = "",
    delivery: dict = {},  # noqa: B006
    rollout_policy_file: str = "",
) -> None:
    """Ingest, validate, transform, train, evaluate and bless; push the model as a canary.

    Args:
        data: s3://bucket/data/*.csv: files or patterns of CSV, Parquet or TFRecord, separated by
            commas, with {SPAN} or {YYYY}, {MM}, {DD} and {VERSION} where these stand in the path;
            or a database's URI.
        module_file: my_module.py: the user's file with preprocessing_fn and run_fn, or the name of
            a module in the image.
        eval_config_file: eval_config.pbtxt: text proto of a TFMA EvalConfig.
        service: {"name": "tips"} and more: what serves, in the words of an InferenceService.
        model_root: s3://bucket/models: folder or URI below which releases are published.
        reading: {"separator": ";"} and more: how the data is read and split.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: A number: how many spans up to and with that one.
        schema_file: schema.pbtxt: text proto of a TFDV schema; empty to infer one.
        schema_environment: Name of the schema's environment to validate in; or empty.
        serving_statistics: s3://bucket/statistics: URI of statistics of serving data, for skew; or
            empty.
        materialize: true if run_fn reads transformed examples, false if it transforms raw ones.
        train_steps: A number of training steps, 0 for no limit.
        eval_steps: A number of evaluation steps while training, 0 for no limit.
        hyperparameters: {"learning_rate": 0.1}: handed to run_fn.
        custom_config: {"key": "value"}: handed to preprocessing_fn and run_fn.
        seed: A number: the seed of the training.
        warm_start: true to start the training from the live model, as fn_args.base_model.
        model_run_dir: s3://bucket/logs: where logs and checkpoints outlive the step; or empty.
        delivery: {"on_active": "supersede"} and more: how a release comes to its traffic.
        rollout_policy_file: policy.yaml: the policy by which rollout_model gives the canary its
            traffic; empty to leave it at the service's canaryTrafficPercent.
    """
    given = dict(locals())
    deployed = _fresh(resolve_deployed(service=service, delivery=delivery, warm_start=warm_start))
    found = _span(
        data,
        span=span,
        version=span_version,
        window=span_window,
        serving_statistics=serving_statistics,
        reading=reading,
    )
    ingest = ingest_data(
        data=found.outputs["data"], span=found.outputs["span"], **_among(found.outputs, READ)
    )
    validate = validate_data(
        examples=ingest.outputs["examples"],
        schema_file=schema_file,
        environment=schema_environment,
        serving_statistics=found.outputs["serving_statistics"],
    )
    compare = compare_data(
        **_for_comparison(validate),
        environment=schema_environment,
        deployed=deployed.outputs["release"],
    )
    transform = transform_data(
        examples=ingest.outputs["examples"],
        schema=validate.outputs["schema"],
        outcome=validate.outputs["outcome"],
        module_file=module_file,
        materialize=materialize,
        custom_config=custom_config,
    )
    train = train_model(
        **_for_training(deployed, ingest, validate, transform), **_among(given, TO_TRAIN)
    )
    evaluate = evaluate_model(
        **_for_evaluation(ingest, validate, train), eval_config_file=eval_config_file
    )
    bless = bless_model(
        **_for_blessing(ingest, train, evaluate),
        eval_config_file=eval_config_file,
        deployed=deployed.outputs["release"],
    )
    fit = _reference(ingest, validate, train)
    push = push_model(
        **_for_release(validate, train, bless, compare, fit),
        **_lineage(found),
        **_among(given, TO_PUSH),
    )
    _rolled_out(
        _fresh(push),
        rollout_policy_file,
        prometheus_url=deployed.outputs["prometheus_url"],
        drift_server_url=deployed.outputs["drift_server_url"],
    )

"""The steps from files to a canary revision, for the pipelines that take them."""

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

STEPS = (
    "resolve-span",
    "resolve-deployed",
    "ingest-data",
    "validate-data",
    "compare-data",
    "transform-data",
    "train-model",
    "evaluate-model",
    "bless-model",
    "fit-drift-detector",
    "push-model",
    "rollout-model",
)
"""Names of the tasks in the order in which a report shows them."""
LAST = "rollout-model"
"""Reads the world, so it is never reused, and needs all before it."""

READ = (
    "query",
    "column_types",
    "separator",
    "splits",
    "key_column",
    "time_column",
    "examples_format",
    "span",
    "span_files",
)
"""Outputs of resolve_span that ingest_data takes under the same name."""
TO_TRAIN = (
    "module_file",
    "train_steps",
    "eval_steps",
    "hyperparameters",
    "custom_config",
    "seed",
    "precision",
    "model_run_dir",
    "compute",
)
TO_EVALUATE = ("eval_config_file", "compute")
TO_PUSH = (
    "service",
    "model_root",
    "delivery",
    "rollout_policy_file",
    "module_file",
    "trigger",
    "tracking",
)
"""Parameters of the pipeline that a step takes under the same name."""


def _among(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the pipeline's parameters with these names."""
    return {name: values[name] for name in names}


def _fresh(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Return the task, run anew every time: it reads the world."""
    task.set_caching_options(False)
    return task


def _span(data: str, **settings: Any) -> dsl.PipelineTask:
    """Find the data of this run; a schedule's time is filled in by KFP's driver."""
    time = dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER
    return _fresh(resolve_span(data=data, schedule_time=time, **settings))


def _live(deployed: dsl.PipelineTask) -> dict[str, Any]:
    """Return what a step is told of the live release."""
    return {"deployed": deployed.outputs["release"], "verify_key": deployed.outputs["verify_key"]}


def _for_training(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return what train_model reads, from the tasks that make it."""
    deployed, ingest, validate, transform = tasks
    return {
        "base_model": deployed.outputs["base_model"],
        "verify_key": deployed.outputs["verify_key"],
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
        "validation": validate.outputs["outcome"],
        "evaluation": bless.outputs["comparison"],
    }


def _reference(detector: Any, *tasks: dsl.PipelineTask) -> dsl.PipelineTask:
    """Keep the training rows as what the model's requests are compared with."""
    ingest, validate, train = tasks
    return fit_drift_detector(
        examples=ingest.outputs["examples"],
        schema=validate.outputs["schema"],
        serving_samples=train.outputs["serving_samples"],
        detector=detector,
    )


def _lineage(pipeline: str, resolved: dsl.PipelineTask) -> dict[str, Any]:
    """Return what tells where a model comes from; the run's id is filled in by KFP's driver."""
    return {
        "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        "pipeline_name": pipeline,
        "span": resolved.outputs["span"],
        "data": resolved.outputs["data"],
    }


def _rolled_out(push: dsl.PipelineTask, policy_file: Any, **sources: Any) -> None:
    """Roll the canary out under the policy, if there is one.

    A condition would be lighter, but KFP 2.17 leaves what is around one that is skipped RUNNING for
    ever, and an exit handler is around everything.
    """
    rollout = rollout_model(
        endpoint=push.outputs["endpoint"], policy_file=policy_file, needs_policy=True, **sources
    )
    _fresh(rollout)


def build(pipeline: str, parameters: Mapping[str, Any]) -> None:
    """Make the tasks in the pipeline that is being compiled.

    Args:
        pipeline: its name.
        parameters: parameter of train_and_deploy -> the pipeline's own, or a constant; all of them.
    """
    deployed = _fresh(
        resolve_deployed(
            **_among(parameters, ("service", "delivery", "warm_start", "tracking")),
            run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            pipeline_name=pipeline,
        )
    )
    resolved = _span(
        parameters["data"],
        span=parameters["span"],
        version=parameters["span_version"],
        window=parameters["span_window"],
        serving_statistics=parameters["serving_statistics"],
        reading=parameters["reading"],
    )
    ingest = ingest_data(data=resolved.outputs["data"], **_among(resolved.outputs, READ))
    validate = validate_data(
        examples=ingest.outputs["examples"],
        schema_file=parameters["schema_file"],
        environment=parameters["schema_environment"],
        serving_statistics=resolved.outputs["serving_statistics"],
        compute=parameters["compute"],
    )
    compare = compare_data(
        **_for_comparison(validate),
        environment=parameters["schema_environment"],
        **_live(deployed),
    )
    transform = transform_data(
        examples=ingest.outputs["examples"],
        schema=validate.outputs["schema"],
        outcome=validate.outputs["outcome"],
        module_file=parameters["module_file"],
        materialize=parameters["materialize"],
        custom_config=parameters["custom_config"],
        compute=parameters["compute"],
    )
    train = train_model(
        **_for_training(deployed, ingest, validate, transform), **_among(parameters, TO_TRAIN)
    )
    evaluate = evaluate_model(
        **_for_evaluation(ingest, validate, train), **_among(parameters, TO_EVALUATE)
    )
    bless = bless_model(
        **_for_blessing(ingest, train, evaluate),
        **_among(parameters, TO_EVALUATE),
        **_live(deployed),
    )
    fit = _reference(parameters["drift_detector"], ingest, validate, train)
    push = push_model(
        **_for_release(validate, train, bless, compare, fit),
        **_lineage(pipeline, resolved),
        **_among(parameters, TO_PUSH),
    )
    _rolled_out(
        _fresh(push),
        parameters["rollout_policy_file"],
        prometheus_url=deployed.outputs["prometheus_url"],
        drift_server_url=deployed.outputs["drift_server_url"],
    )

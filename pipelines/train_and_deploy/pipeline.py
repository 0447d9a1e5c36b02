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


TO_INGEST = (
    "query",
    "column_types",
    "separator",
    "splits",
    "key_column",
    "time_column",
    "examples_format",
)
TO_TRAIN = (
    "module_file",
    "train_steps",
    "eval_steps",
    "hyperparameters",
    "custom_config",
    "seed",
    "model_run_dir",
)
TO_PUSH = (
    "service_name",
    "model_root",
    "namespace",
    "canary_percent",
    "runtime",
    "runtime_version",
    "protocol_version",
    "predictor_image",
    "cpu",
    "memory",
    "gpus",
    "gpu_resource",
    "node_selector",
    "tolerations",
    "min_replicas",
    "max_replicas",
    "logger_url",
    "service_account",
    "storage_secret",
    "create_storage_secret",
    "service_patch",
    "on_active",
    "ready_timeout",
    "checks",
    "rollout_policy_file",
)
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
    run = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    return {"run_id": run, "pipeline_name": NAME, "span": found.outputs["span"]}


def _rolled_out(push: dsl.PipelineTask, policy_file: Any, **sources: Any) -> None:
    """Roll the canary out under the policy, if there is one."""
    with dsl.If(policy_file != "", name="rollout"):
        _fresh(rollout_model(endpoint=push.outputs["endpoint"], policy_file=policy_file, **sources))


@dsl.pipeline(name=NAME)
def train_and_deploy(
    data: str,
    module_file: str,
    eval_config_file: str,
    service_name: str,
    model_root: str,
    namespace: str = "default",
    query: str = "",
    column_types: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    separator: str = ",",
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
    examples_format: str = "parquet",
    schema_file: str = "",
    splits: str = "train=2,eval=1",
    key_column: str = "",
    time_column: str = "",
    environment: str = "",
    serving_statistics: str = "",
    materialize: bool = True,
    train_steps: int = 1000,
    eval_steps: int = 100,
    hyperparameters: dict = {},  # noqa: B006
    custom_config: dict = {},  # noqa: B006
    seed: int = 0,
    warm_start: bool = False,
    model_run_dir: str = "",
    canary_percent: int = 10,
    runtime: str = "",
    runtime_version: str = "",
    protocol_version: str = "v1",
    predictor_image: str = "",
    cpu: str = "",
    memory: str = "",
    gpus: int = 0,
    gpu_resource: str = "nvidia.com/gpu",
    node_selector: dict = {},  # noqa: B006
    tolerations: list = [],  # noqa: B006
    min_replicas: int = 1,
    max_replicas: int = 1,
    logger_url: str = "",
    service_account: str = "",
    storage_secret: str = "",
    create_storage_secret: bool = False,
    service_patch: dict = {},  # noqa: B006
    on_active: str = "refuse",
    ready_timeout: int = 600,
    checks: dict = {},  # noqa: B006
    rollout_policy_file: str = "",
    prometheus_url: str = "",
    drift_server_url: str = "",
) -> None:
    """Ingest, validate, transform, train, evaluate and bless; push the model as a canary.

    Args:
        data: Files or patterns of CSV, Parquet or TFRecord, separated by commas, with {SPAN} or
            {YYYY}, {MM}, {DD} and {VERSION} where these stand in the path; or a database's URI.
        module_file: The user's .py file with preprocessing_fn and run_fn, or a module name.
        eval_config_file: Text proto of a TFMA EvalConfig.
        service_name: Name of the InferenceService.
        model_root: Folder or URI below which releases are published.
        namespace: Namespace of the InferenceService.
        query: SQL to read from the database; empty for files.
        column_types: Column name -> string, int64, float64 or timestamp, where the type that
            would be found is not the right one; {} to find them all.
        separator: Character between the values of CSV files, such as ; or tab.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: How many spans up to and with that one.
        examples_format: parquet, or tfrecord for user code that opens TFRecord files itself.
        schema_file: Text proto of a TFDV schema; empty to infer one.
        splits: Names and weights of the splits; "train" and "eval" are needed.
        key_column: Column whose equal values stay in one split; empty hashes the whole row.
        time_column: Column by which splits become consecutive shares of time; or empty.
        environment: Schema environment to validate in; or empty.
        serving_statistics: URI of statistics of serving data, for skew; or empty.
        materialize: Whether run_fn reads transformed examples, or raw ones that it transforms.
        train_steps: Training steps, 0 for no limit.
        eval_steps: Evaluation steps while training, 0 for no limit.
        hyperparameters: Handed to run_fn.
        custom_config: Handed to preprocessing_fn and run_fn.
        seed: Seed of the training.
        warm_start: Whether the training starts from the live model, as fn_args.base_model.
        model_run_dir: Path or URI where logs and checkpoints outlive the step; or empty.
        canary_percent: Share of requests for the new revision, 0 to 100.
        runtime: ServingRuntime; empty to let KServe choose.
        runtime_version: Image tag of the runtime; empty for its default.
        protocol_version: v1 or v2.
        predictor_image: Image of a server by kserve's Python library, instead of a runtime.
        cpu: CPUs a replica, as 500m or 2; empty for the runtime's own.
        memory: Memory a replica, as 4Gi; empty for the runtime's own.
        gpus: GPUs a replica, 0 for none.
        gpu_resource: Kubernetes name of the GPU resource.
        node_selector: Labels of the nodes to run on.
        tolerations: Tolerations of the pods.
        min_replicas: Fewest replicas.
        max_replicas: Most replicas.
        logger_url: Where requests and responses are logged; empty for nowhere.
        service_account: ServiceAccount whose secrets lead to the model's bucket; or empty.
        storage_secret: Secret with the credentials of the model's bucket; or empty.
        create_storage_secret: Whether push_model makes both from its environment's credentials.
        service_patch: JSON merge patch of the InferenceService, for what has no parameter here.
        on_active: While a rollout of the service is active: refuse, or supersede it.
        ready_timeout: Seconds to wait until the new revision is ready.
        checks: Limits of push_model's checks before any traffic; {} for the defaults.
        rollout_policy_file: URI of the policy by which rollout_model gives the canary its traffic;
            empty to leave it at canary_percent.
        prometheus_url: Address of the cluster's Prometheus, for a rollout.
        drift_server_url: Address of the drift server, for a rollout that compares models' answers.
    """
    given = dict(locals())
    deployed = _fresh(
        resolve_deployed(service_name=service_name, namespace=namespace, warm_start=warm_start)
    )
    found = _span(
        data,
        span=span,
        version=span_version,
        window=span_window,
        serving_statistics=serving_statistics,
    )
    ingest = ingest_data(
        data=found.outputs["data"], span=found.outputs["span"], **_among(given, TO_INGEST)
    )
    validate = validate_data(
        examples=ingest.outputs["examples"],
        schema_file=schema_file,
        environment=environment,
        serving_statistics=found.outputs["serving_statistics"],
    )
    compare = compare_data(
        **_for_comparison(validate), environment=environment, deployed=deployed.outputs["release"]
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
        prometheus_url=prometheus_url,
        drift_server_url=drift_server_url,
    )

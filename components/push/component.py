"""The KFP interface of push_model."""

from kfp import dsl

from kanaria.components.shared.images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def push_model(
    model: dsl.Input[dsl.Model],
    outcome: dsl.Input[dsl.Artifact],
    schema: dsl.Input[dsl.Artifact],
    statistics: dsl.Input[dsl.Artifact],
    endpoint: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    service_name: str,
    model_root: str,
    namespace: str = "default",
    canary_percent: int = 10,
    runtime: str = "",
    runtime_version: str = "",
    protocol_version: str = "v1",
    gpus: int = 0,
    gpu_resource: str = "nvidia.com/gpu",
    node_selector: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    tolerations: list = [],  # noqa: B006
    min_replicas: int = 1,
    max_replicas: int = 1,
    logger_url: str = "",
    predictor_image: str = "",
    cpu: str = "",
    memory: str = "",
    affinity: dict = {},  # noqa: B006
    scale_metric: str = "",
    scale_target: int = 0,
    concurrency: int = 0,
    service_account: str = "",
    storage_secret: str = "",
    create_storage_secret: bool = False,
    transformer: dict = {},  # noqa: B006
    service_patch: dict = {},  # noqa: B006
    on_active: str = "refuse",
    ready_timeout: int = 600,
    checks: dict = {},  # noqa: B006
    serving_samples: dsl.Input[dsl.Artifact] = None,
    drift_detector: dsl.Input[dsl.Artifact] = None,
    data_outcome: dsl.Input[dsl.Artifact] = None,
    run_id: str = "",
    pipeline_name: str = "",
    span: str = "",
    rollout_policy_file: str = "",
) -> bool:
    """Publish a blessed model as a release and serve it as a canary revision.

    The release's name is the model's fingerprint, so the same model again changes nothing. The
    revision is staged at 0 %, must become ready and pass the checks, and then gets its share; a
    first deployment gets all traffic. Never cache this step.

    Args:
        model: SavedModel below an integer folder.
        outcome: The blessing of bless_model; a model that did not pass fails this step, and
            nothing is pushed.
        schema: Folder with schema.pbtxt, kept with the release.
        statistics: Statistics of the training data, kept with the release.
        service_name: Name of the InferenceService.
        model_root: Folder below which releases are published; a path, s3://, minio:// or gs://.
        namespace: Namespace of the InferenceService.
        canary_percent: Share of requests for the new revision, 0 to 100.
        runtime: ServingRuntime; empty to let KServe choose.
        runtime_version: Image tag of the runtime; empty for its default.
        protocol_version: v1 or v2.
        gpus: GPUs a replica, 0 for none.
        gpu_resource: Kubernetes name of the GPU resource.
        node_selector: Labels of the nodes to run on.
        tolerations: Tolerations of the pods.
        min_replicas: Fewest replicas.
        max_replicas: Most replicas.
        logger_url: Where requests and responses are logged; empty for nowhere.
        predictor_image: Image of a server by kserve's Python library, instead of a runtime.
        cpu: CPUs a replica, as 500m or 2; empty for the runtime's own.
        memory: Memory a replica, as 4Gi; empty for the runtime's own.
        affinity: Affinity of the pods.
        scale_metric: cpu, memory, concurrency or rps; empty for KServe's own.
        scale_target: Value of the metric a replica is meant to have, 0 for KServe's own.
        concurrency: Requests a replica takes at once, 0 for no limit.
        service_account: ServiceAccount whose secrets lead to the model's bucket; or empty.
        storage_secret: Secret with the credentials of the model's bucket; or empty.
        create_storage_secret: Whether to make the Secret and the ServiceAccount from the
            credentials in this step's environment; named by the two before, else
            <service_name>-storage.
        transformer: InferenceService's spec.transformer; empty for none.
        service_patch: JSON merge patch of the InferenceService, for what has no parameter here.
        on_active: While a rollout of the service is active: refuse, or supersede it.
        ready_timeout: Seconds to wait until the new revision is ready.
        checks: Limits of the checks before any traffic, see the README; {} for the defaults.
        serving_samples: Rows and answers of the model, from train_model; without them the
            revision's signature, answers and latency are not checked.
        drift_detector: What fit_drift_detector wrote, kept with the release; or none.
        data_outcome: Outcome of compare_data; data that did not pass fails this step likewise; or
            none.
        run_id: Run that pushes, for labels and annotations; or empty.
        pipeline_name: Pipeline that pushes, likewise; or empty.
        span: Span of the data, likewise; or empty.
        rollout_policy_file: URI of the policy of the rollout that follows: it is read before
            anything is done, and the revision stays at 0 %; or empty.

    Returns:
        endpoint: Service, revision, URL, share and checks, or why nothing was pushed.
        report: What the checks before any traffic found.
        Output: Whether the model is served.
    """
    from pathlib import Path

    from kanaria.components.push.lineage import Lineage
    from kanaria.components.push.publish import Sources
    from kanaria.components.push.push import PushRequest, push
    from kanaria.serving.inference_service import spec

    service = spec.ServiceSpec(
        name=service_name,
        namespace=namespace,
        storage_uri="",
        canary_percent=canary_percent,
        server=spec.ModelServer(
            runtime=runtime,
            runtime_version=runtime_version,
            protocol_version=protocol_version,
            image=predictor_image,
        ),
        placement=spec.Placement(
            gpus=gpus,
            gpu_resource=gpu_resource,
            cpu=cpu,
            memory=memory,
            node_selector=node_selector,
            tolerations=tolerations,
            affinity=affinity,
        ),
        scaling=spec.Scaling(
            min_replicas=min_replicas,
            max_replicas=max_replicas,
            metric=scale_metric,
            target=scale_target,
            concurrency=concurrency,
        ),
        storage=spec.StorageAccess(service_account=service_account, secret=storage_secret),
        log=spec.PayloadLog(url=logger_url),
        transformer=transformer,
        patch=service_patch,
    )
    request = PushRequest(
        sources=Sources.at(
            model.path, schema.path, statistics.path, drift_detector.path if drift_detector else ""
        ),
        outcomes=tuple(Path(each.path) for each in (outcome, data_outcome) if each),
        model_root=model_root,
        service=service,
        ready_timeout=ready_timeout,
        checks=checks,
        samples=Path(serving_samples.path) if serving_samples else None,
        report=Path(report.path),
        on_active=on_active,
        create_storage_secret=create_storage_secret,
        rollout_policy_file=rollout_policy_file,
        lineage=Lineage(run_id=run_id, pipeline=pipeline_name, data_span=span),
    )
    found = push(request, Path(endpoint.path))
    endpoint.metadata.update(found.as_metadata())
    return found.pushed

"""Steps and controller act as the ServiceAccounts of the manifests, not as administrator."""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import object_stores
import pytest
from accounts import Account, install, kubectl, ready_pods
from inference_services import InferenceServices, wait_until
from object_stores import Bucket

from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.components.push.lineage import Lineage
from kanaria.components.push.publish_release import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.resolve.deployed_release import resolve_deployed
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import ConflictError, PermissionDeniedError
from kanaria.serving.doctor import access_rights
from kanaria.serving.doctor.doctor_report import State, is_fit
from kanaria.serving.doctor.examine_cluster import examine
from kanaria.serving.inference_service.service_spec import Scaling, ServiceSpec
from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import Resource
from kanaria.serving.rollout.control import controller, operations
from kanaria.serving.rollout.control.config_map_store import ConfigMapStore
from kanaria.serving.rollout.control.environment import NoSource
from kanaria.serving.rollout.control.kubernetes_events import EventListener
from kanaria.serving.rollout.control.kubernetes_lease import KubernetesLease
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.traffic_strategy import Strategy
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
MODES = pytest.mark.parametrize("mode", [{}, STANDARD], ids=["knative", "standard"])
EVENTS = Resource(group="", version="v1", plural="events")
ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles")
Push = Callable[..., Endpoint]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with object_stores.minio() as bucket:
        yield bucket


@pytest.fixture
def push_as(
    services: InferenceServices, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Push:
    """Pushes a model as an account, as the step push_model does."""
    outcome.write(Outcome(step="evaluate_model", passed=True), tmp_path / "outcome")
    bucket.use(monkeypatch)

    def push_model(account: Account, model: str, **fields: object) -> Endpoint:
        account.use(monkeypatch)
        folders = {name: tmp_path / model / name for name in ("model", "schema", "statistics")}
        for folder in folders.values():
            (folder / "1").mkdir(parents=True, exist_ok=True)
            (folder / "1/saved_model.pb").write_text(model)
        request = PushRequest(
            sources=Sources(**folders),
            outcomes=(tmp_path / "outcome",),
            model_root=f"{bucket.uri}/{services.namespace}",
            service={"name": "tips", "namespace": services.namespace, **fields},
            lineage=Lineage(run_id=f"run of {model}", pipeline="nightly", data_span="7"),
            # Simulated pods answer nobody, so their signatures cannot be compared.
            delivery={"ready_timeout": 120, "checks": {"compatibility": False}},
        )
        (tmp_path / "endpoints").mkdir(exist_ok=True)
        return push(request, tmp_path / "endpoints" / model)

    return push_model


def test_a_push_and_its_retry_need_no_more_than_the_pipelines_role(
    pipeline: Account, services: InferenceServices, push_as: Push
):
    assert push_as(pipeline, "one").percent == 100
    second = push_as(pipeline, "two")
    assert second.percent == 10
    generation = services.get("tips")["metadata"]["generation"]
    assert push_as(pipeline, "two").reason.startswith("already served")
    assert services.get("tips")["metadata"]["generation"] == generation
    assert resolve_deployed("tips", services.namespace) != second.storage_uri.removesuffix("/model")


def test_the_marks_of_a_push_reach_its_pods(
    pipeline: Account, services: InferenceServices, push_as: Push
):
    versions = {model: push_as(pipeline, model).storage_uri.split("/")[-2] for model in ("1", "2")}
    pods = {
        pod["metadata"]["annotations"]["kanaria.io/model-version"]: pod["metadata"]
        for pod in services.pods("tips")
    }
    assert set(pods) == set(versions.values())
    metadata = pods[versions["2"]]
    assert metadata["labels"]["kanaria.io/model-version"] == versions["2"]
    assert metadata["annotations"]["kanaria.io/run-id"] == "run of 2"
    assert metadata["labels"]["kanaria.io/data-span"] == "7"


@MODES
def test_the_pipeline_delivers_and_the_controller_shifts_in_both_modes(
    pipeline: Account,
    rollout: Account,
    services: InferenceServices,
    tmp_path: Path,
    mode: dict[str, str],
):
    namespace = services.namespace
    step, shifting = (ClusterTraffic(account.client()) for account in (pipeline, rollout))

    def deliver_model(model: str) -> Endpoint:
        uri = f"s3://m/{model}"
        spec = ServiceSpec(
            name="tips",
            namespace=namespace,
            storage_uri=uri,
            canary_percent=10,
            scaling=Scaling(min_replicas=2, max_replicas=2),
            annotations={**mode, "kanaria.io/model-version": model},
        )
        return deliver(step, spec, 120, str(tmp_path / model))

    def shares() -> dict[str, int]:
        status = shifting.observe(namespace, "tips")
        assert status
        shares_of = {
            status.revision_uris[t.revision]: t.percent for t in status.traffic if t.percent
        }
        return {uri.removeprefix("s3://m/"): percent for uri, percent in shares_of.items()}

    deliver_model("one")
    assert deliver_model("two").percent == 10
    # A share is given only when as many copies are ready as there must be.
    assert ready_pods(services.pods("tips") if not mode else pods_of(services)) >= 4
    shifting.shift(namespace, "tips", 50)
    wait_until(lambda: shares() == {"one": 50, "two": 50})
    shifting.promote(namespace, "tips")
    wait_until(lambda: shares() == {"two": 100})
    assert deliver_model("three").percent == 10
    shifting.rollback(namespace, "tips")
    wait_until(lambda: shares() == {"two": 100})


@MODES
@pytest.mark.parametrize("who", ["pipeline", "rollout"])
def test_a_rollout_begun_by_the_pipeline_is_finished_by_the_account_that_controls_it(
    request: pytest.FixtureRequest,
    pipeline: Account,
    services: InferenceServices,
    tmp_path: Path,
    mode: dict[str, str],
    who: str,
):
    namespace, step = services.namespace, pipeline.client()
    for model in ("one", "two"):
        spec = ServiceSpec(
            name="tips",
            namespace=namespace,
            storage_uri=f"s3://m/{model}",
            canary_percent=0,
            annotations=mode,
        )
        deliver(ClusterTraffic(step), spec, 120, str(tmp_path / model))
    traffic, store = ClusterTraffic(step), ConfigMapStore(step)
    policy = Policy(strategy=Strategy.BASIC)
    operations.start(
        store,
        traffic,
        namespace,
        "tips",
        operations.Beginning(policy=policy, who="push", now=time.time()),
    )
    cluster = request.getfixturevalue(who).client()
    world = World(
        traffic=ClusterTraffic(cluster),
        store=ConfigMapStore(cluster),
        source=NoSource(),
        now=time.time,
    )
    lease = KubernetesLease(cluster, namespace, "tips", who)
    ended = controller.run(
        world,
        operations.newest(world.store, namespace, "tips"),
        lease=lease,
        listener=EventListener(cluster),
        pace=controller.Pace(interval_seconds=1),
    )
    assert ended.rollout.state.phase is Phase.PROMOTED
    status = traffic.observe(namespace, "tips")
    assert status
    assert status.revision_uris[status.rolled_out] == "s3://m/two"
    kind = "httproute" if mode else "inferenceservice"
    described = kubectl("describe", kind, "tips", "--namespace", namespace)
    events = described.partition("Events:")[2]
    assert [word for word in ("Started", "Promoted") if events.count(word) == 1] == [
        "Started",
        "Promoted",
    ]
    assert "kanaria-rollout" in events


def pods_of(services: InferenceServices) -> list[dict[str, object]]:
    """The pods of all revisions of tips in Standard mode."""
    status = ClusterTraffic(KubernetesClient.connect()).observe(services.namespace, "tips")
    assert status
    return [pod for revision in status.revision_uris for pod in services.pods(revision)]


def test_the_doctor_misses_nothing_for_the_pipelines_account(
    pipeline: Account, services: InferenceServices
):
    findings = {each.subject: each for each in examine(pipeline.client(), services.namespace)}
    assert findings["rights"].state is State.OK
    assert is_fit(list(findings.values()))
    # What lies outside of the namespace may not be seen, which is no error.
    assert findings["gpus"].state is State.UNKNOWN
    assert findings["storage secret"].state is State.UNKNOWN


def test_the_doctor_names_what_the_controllers_account_lacks_for_a_push(
    rollout: Account, services: InferenceServices
):
    findings = {
        finding.subject: finding for finding in examine(rollout.client(), services.namespace)
    }
    assert findings["rights"].state is State.MISSING
    assert "resources: [inferenceservices], verbs: [create]" in findings["rights"].text


@pytest.mark.parametrize("account", ["pipeline", "rollout"])
def test_everything_else_is_forbidden(
    account: str, services: InferenceServices, request: pytest.FixtureRequest
):
    client, namespace = request.getfixturevalue(account).client(), services.namespace
    forbidden: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (client.list, (resource_kinds.SECRETS, namespace)),
        (client.get, (resource_kinds.SECRETS, namespace, "storage-config")),
        (client.list, (resource_kinds.INFERENCE_SERVICES, "default")),
        (client.list, (resource_kinds.INFERENCE_SERVICES,)),
        (client.list, (resource_kinds.NODES,)),
        (client.list, (resource_kinds.CONFIG_MAPS, "kserve")),
        (
            client.get,
            (resource_kinds.CONFIG_MAPS, "kube-system", "extension-apiserver-authentication"),
        ),
        (client.list, (EVENTS, namespace)),
        (client.list, (resource_kinds.EVENT_SERIES, namespace)),
        (client.list, (ROLES, namespace)),
        (client.delete, (resource_kinds.PODS, namespace, "any")),
        (client.delete, (resource_kinds.CONFIG_MAPS, namespace, "any")),
        (client.create, (resource_kinds.SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "x"}})),
        (client.create, (resource_kinds.SECRETS, namespace, {"metadata": {"name": "x"}})),
    ]
    for call, arguments in forbidden:
        with pytest.raises(PermissionDeniedError):
            call(*arguments)


def test_the_controller_brings_no_model(rollout: Account, services: InferenceServices):
    spec = ServiceSpec(name="tips", namespace=services.namespace, storage_uri="s3://m/one")
    with pytest.raises(PermissionDeniedError, match="inferenceservices"):
        deliver(ClusterTraffic(rollout.client()), spec, 10, "/nowhere")


@pytest.mark.usefixtures("pipeline")
def test_nobody_but_the_steps_and_the_controller_got_rights(
    services: InferenceServices, tmp_path: Path
):
    client = Account(services.namespace, "default", tmp_path).client()
    missing = access_rights.denied(client, services.namespace, access_rights.NEEDED)
    assert missing == access_rights.NEEDED


def test_the_steps_credentials_reach_the_pods_by_a_secret_on_request(
    pipeline: Account,
    services: InferenceServices,
    push_as: Push,
    tmp_path: Path,
    bucket: Bucket,
):
    with pytest.raises(PermissionDeniedError, match="secrets"):
        push_as(pipeline, "one", createStorageSecret=True)
    assert not services.exists("serving.kserve.io/v1beta1", "InferenceService", "tips")

    install(services.namespace, tmp_path, with_storage=True)
    assert push_as(pipeline, "one", createStorageSecret=True).pushed
    assert push_as(pipeline, "two", createStorageSecret=True).pushed  # Applied once more.
    secret = services.object("v1", "Secret", "tips-storage")
    decoded = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert decoded == {
        "AWS_ACCESS_KEY_ID": object_stores.KEY_ID,
        "AWS_SECRET_ACCESS_KEY": object_stores.SECRET,
    }
    host = bucket.endpoint.partition("://")[2]
    for pod in services.pods("tips"):
        assert pod["spec"]["serviceAccountName"] == "tips-storage"
        (loader,) = pod["spec"]["initContainers"]
        variables = {entry["name"]: entry for entry in loader["env"]}
        assert variables["S3_ENDPOINT"]["value"] == host
        assert variables["S3_USE_HTTPS"]["value"] == "0"
        source = variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
        assert source["name"] == "tips-storage"
    assert object_stores.SECRET not in str(services.get("tips"))


def test_a_secret_of_somebody_elses_is_left_alone(
    pipeline: Account, services: InferenceServices, push_as: Push, tmp_path: Path
):
    install(services.namespace, tmp_path, with_storage=True)
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "tips-storage"},
        "stringData": {"token": "theirs"},
    }
    services.apply(theirs)
    with pytest.raises(ConflictError, match="tips-storage: not made by Kanaria"):
        push_as(pipeline, "one", createStorageSecret=True)
    left = services.object("v1", "Secret", "tips-storage")
    assert {name: base64.b64decode(text) for name, text in left["data"].items()} == {
        "token": b"theirs"
    }

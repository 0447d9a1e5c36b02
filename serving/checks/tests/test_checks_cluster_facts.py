"""Facts read through the real client from a server that answers as Kubernetes' API does."""

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kubernetes import client

from kanaria.serving.checks.cluster_facts import LOCAL, read
from kanaria.serving.inference_service.service_spec import Placement, ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient

KSERVE = "/apis/serving.kserve.io/v1alpha1"
OWN, SHARED = f"{KSERVE}/namespaces/team/servingruntimes", f"{KSERVE}/clusterservingruntimes"
EVERYTHING = {OWN: ["own"], SHARED: ["shared"], "/api/v1/nodes": ["n"], "/api/v1/pods": ["p"]}
SERVICE = ServiceSpec(name="taxi", namespace="team", storage_uri="s3://m")
ON_GPU = ServiceSpec(
    name="taxi",
    namespace="team",
    storage_uri="s3://m",
    placement=Placement(limits={"nvidia.com/gpu": "1"}),
)


class Api:
    """The objects that are listed at each path; every other path is forbidden."""

    lists: Mapping[str, list[str]] = EVERYTHING


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def cluster(api: Api) -> Iterator[KubernetesClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = api.lists.get(self.path)
            items = [{"metadata": {"name": name}, "spec": {}} for name in names or []]
            denied = {"kind": "Status", "message": f"{self.path} is forbidden"}
            body: dict[str, Any] = denied if names is None else {"items": items}
            self.send_response(403 if names is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """The tests say what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        configuration = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
        yield KubernetesClient(client.ApiClient(configuration))
        server.shutdown()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "1/variables").mkdir(parents=True)
    (tmp_path / "1/saved_model.pb").write_bytes(b"x" * 100)
    (tmp_path / "1/variables/data").write_bytes(b"x" * 23)
    return tmp_path


def names(objects: tuple[Mapping[str, Any], ...] | None) -> list[str]:
    return [one["metadata"]["name"] for one in objects or ()]


def test_a_cluster_tells_its_runtimes_nodes_and_pods(cluster: KubernetesClient, model: Path):
    facts = read(cluster, ON_GPU, model)
    assert facts.model_bytes == 123
    assert (names(facts.runtimes), facts.all_runtimes) == (["own", "shared"], True)
    assert (names(facts.nodes), names(facts.pods)) == (["n"], ["p"])
    assert facts.unseen == ()


def test_without_gpus_no_rights_on_nodes_are_needed(
    api: Api, cluster: KubernetesClient, model: Path
):
    api.lists = {OWN: ["own"], SHARED: ["shared"]}
    assert read(cluster, SERVICE, model).unseen == ()


def test_what_the_account_may_not_see_is_unknown_and_said(
    api: Api, cluster: KubernetesClient, model: Path
):
    api.lists = {OWN: ["own"]}
    facts = read(cluster, ON_GPU, model)
    assert (names(facts.runtimes), facts.all_runtimes) == (["own"], False)
    assert (facts.nodes, facts.pods) == (None, None)
    assert [SHARED in why for why in facts.unseen] == [True, False, False]
    assert all("is forbidden" in why for why in facts.unseen)


def test_local_serving_has_neither(model: Path):
    assert read(None, ON_GPU, model).unseen == (LOCAL,)

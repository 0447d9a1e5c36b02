"""The manifests of the controller, and what all pods of ours have in common."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

MANIFESTS = Path(__file__).parents[4] / "manifests"
DEPLOYMENTS = ("rollout-controller", "drift-server", "trigger", "stream", "runs-metrics")
RUNTIMES = ("tensorflow", "tensorflow-gpu")


def documents(path: Path) -> list[dict[str, Any]]:
    return [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest]


def pod_of(component: str) -> dict[str, Any]:
    (manifest,) = documents(MANIFESTS / "components" / component / "deployment.yaml")
    return manifest["spec"]["template"]["spec"]


def container_of(component: str) -> dict[str, Any]:
    (container,) = pod_of(component)["containers"]
    return container


def runtime(name: str) -> dict[str, Any]:
    (manifest,) = documents(MANIFESTS / f"base/{name}-runtime.yaml")
    return manifest["spec"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answered(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    """Ask until somebody answers, as long as the process lives."""
    while process.poll() is None:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"it has ended with {process.returncode}")


def test_the_controller_takes_its_arguments_and_answers_its_probes(tmp_path: Path):
    container, port = container_of("rollout-controller"), free_port()
    assert f"--port={container['ports'][0]['containerPort']}" in container["args"]
    probe_flags = {"--host": "127.0.0.1", "--port": str(port)}
    arguments = [
        f"{name}={probe_flags[name]}" for name in (a.partition("=")[0] for a in container["args"])
    ]
    command = [sys.executable, "-I", *container["command"][1:], *arguments]
    environment = os.environ | {"KANARIA_SERVING_ROOT": str(tmp_path), "KANARIA_NAMESPACE": "team"}
    process = subprocess.Popen(command, env=environment)
    try:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = container[probe]["httpGet"]
            assert get["port"] == container["ports"][0]["name"]
            url = f"http://127.0.0.1:{port}{get['path']}"
            answer = answered(url, process)
            while probe == "readinessProbe" and answer.status_code == 503:
                answer = answered(url, process)
            assert answer.text == "ok\n"
        assert "kanaria_rollouts" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        process.terminate()
    assert process.wait() == 143


@pytest.mark.parametrize("component", DEPLOYMENTS)
def test_a_pod_writes_only_where_its_room_is_bounded(component: str):
    pod, container = pod_of(component), container_of(component)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    empty = {v["name"]: v["emptyDir"] for v in pod["volumes"] if "emptyDir" in v}
    assert [places[name] for name in empty] == ["/tmp"]
    assert all(volume["sizeLimit"] for volume in empty.values())
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_writes_only_where_its_room_is_bounded(name: str):
    manifest = runtime(name)
    (container,) = manifest["containers"]
    security = container["securityContext"]
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["readOnlyRootFilesystem"]
    assert security["runAsNonRoot"]
    volumes = {volume["name"]: volume for volume in manifest["volumes"]}
    written = [m for m in container["volumeMounts"] if not m.get("readOnly")]
    assert [mount["mountPath"] for mount in written] == ["/tmp"]
    assert volumes[written[0]["name"]]["emptyDir"]["sizeLimit"]


def test_whatever_has_replicas_keeps_one_while_nodes_are_drained():
    manifests = [one for path in MANIFESTS.rglob("*.yaml") for one in documents(path)]
    several = {
        one["metadata"]["name"]
        for one in manifests
        if one.get("kind") == "Deployment" and one.get("spec", {}).get("replicas", 1) > 1
    }
    budgets = {
        one["metadata"]["name"]: one
        for one in manifests
        if one.get("kind") == "PodDisruptionBudget"
    }
    assert several == set(budgets) == {"kanaria-drift"}
    selected = budgets["kanaria-drift"]["spec"]["selector"]["matchLabels"]
    (server,) = documents(MANIFESTS / "components/drift-server/deployment.yaml")
    assert selected == server["spec"]["selector"]["matchLabels"]

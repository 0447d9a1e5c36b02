"""The manifests of the exporter of runs fit each other, and the program itself."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from kfp_contract import Contract, serving

COMPONENTS = Path(__file__).parents[3] / "manifests/components"


def manifest(name: str) -> Any:
    return yaml.safe_load((COMPONENTS / f"{name}.yaml").read_text())


@pytest.fixture(scope="module")
def pod() -> Any:
    return manifest("runs-metrics/deployment")["spec"]["template"]


@pytest.fixture
def contract():
    with serving() as contract:
        yield contract


def test_the_exporter_reads_its_namespaces_runs_and_answers_the_probes(
    pod: Any, contract: Contract, tmp_path: Path
):
    (container,) = pod["spec"]["containers"]
    here = {"KF_PIPELINES_ENDPOINT": contract.url, "KANARIA_NAMESPACE": "team"}
    contract.token = "of-the-pod"
    (tmp_path / "token").write_text(contract.token)
    here["KF_PIPELINES_SA_TOKEN_PATH"] = str(tmp_path / "token")
    assert set(here) == {one["name"] for one in container["env"]}
    written = [argument.replace("--port=8080", "--port=0") for argument in container["args"]]
    arguments = [re.sub(r"\$\((\w+)\)", lambda name: here[name[1]], one) for one in written]
    program = Path(sys.executable).with_name(container["command"][0])
    others = {key: one for key, one in os.environ.items() if not key.startswith(("KF", "KUBE"))}
    with subprocess.Popen(
        [program, *container["command"][1:], *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=others | here | {"KUBECONFIG": "/nowhere/kubeconfig"},
    ) as process:
        assert process.stdout
        port = process.stdout.readline().rpartition(":")[2].partition("/")[0]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = container[probe]["httpGet"]
            assert request["port"] == container["ports"][0]["name"]
            url = f"http://127.0.0.1:{port}{request['path']}"
            while (answer := httpx.get(url)).status_code == 503 and "looked yet" in answer.text:
                assert process.poll() is None
            assert answer.text == "ok\n"
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143
    assert contract.namespaces == {"", "team"}  # Its health has none.


def test_the_parts_name_each_other(pod: Any):
    (container,) = pod["spec"]["containers"]
    account, monitor = manifest("runs-metrics/service-account"), manifest("prometheus/runs-monitor")
    assert pod["spec"]["serviceAccountName"] == account["metadata"]["name"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert set(mounts) == {one["name"] for one in pod["spec"]["volumes"]}
    (path,) = [one["value"] for one in container["env"] if one["name"].endswith("TOKEN_PATH")]
    assert path == f"{mounts['kfp-token']}/token"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["honorLabels"]) == (container["ports"][0]["name"], True)

"""The manifests of the trigger server fit each other, and the server itself."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from trigger_process import TriggerProcess

FOLDER = Path(__file__).parents[3] / "manifests/components/trigger"
TOKEN = "0123456789abcdef0123"


def manifest(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


@pytest.fixture(scope="module")
def container() -> Any:
    (container,) = manifest("deployment")["spec"]["template"]["spec"]["containers"]
    return container


def test_the_server_takes_the_arguments_asks_for_the_token_and_answers_the_probes(
    container: Any, tmp_path: Path, pipeline: Path
):
    config, token = tmp_path / "triggers.yaml", tmp_path / "token"
    token.write_text(TOKEN)
    config.write_text(
        f"runs: {{root: {tmp_path}}}\n"
        f"triggers: [{{name: a, when: [{{request: true}}], start: {{pipeline: {pipeline}}}}}]\n"
    )
    here = {
        "--config": config,
        "--store": tmp_path / "triggers.db",
        "--port": 0,
        "--token-file": token,
    }
    names = [argument.partition("=") for argument in container["args"]]
    arguments = [f"{name}={here.get(name, value)}" for name, _, value in names]
    assert set(here) <= {name for name, _, _ in names}
    program = Path(sys.executable).with_name(container["command"][0])
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *container["command"][1:], *arguments], stdout=output, stderr=output
        )
    server = TriggerProcess(process, log)
    try:
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            request = container[probe]["httpGet"]
            assert request["port"] == container["ports"][0]["name"]
            assert httpx.get(server.url + request["path"]).status_code == 200
        assert server.post("/triggers/a") == 401
        assert TOKEN not in log.read_text()
    finally:
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM


def test_the_parts_name_each_other(container: Any):
    pod = manifest("deployment")["spec"]["template"]
    service, volume = manifest("service"), manifest("volume")
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    names = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert {one["name"] for one in container["volumeMounts"]} == set(names)
    assert names["data"]["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
    assert pod["spec"]["serviceAccountName"] == manifest("service-account")["metadata"]["name"]
    policy = manifest("network-policy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()

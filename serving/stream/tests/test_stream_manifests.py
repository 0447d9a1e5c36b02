"""The manifests of a stream fit the program itself."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import yaml

FOLDER = Path(__file__).parents[3] / "manifests/components/stream"
FILE = """
group: g
kafka: {bootstrap.servers: "127.0.0.1:9"}
topics: {input: a, output: b, dead_letters: c}
model: {name: flights, url: "http://127.0.0.1:9"}
delivery: exactly_once
"""
PATIENCE = 120


def test_a_stream_takes_its_arguments_and_variables_and_answers_the_probes(tmp_path: Path):
    deployment = yaml.safe_load((FOLDER / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    config, log = tmp_path / "stream.yaml", tmp_path / "stream.log"
    config.write_text(FILE)
    here = {"--config": str(config), "--port": "0"}
    parts = [argument.partition("=") for argument in container["args"]]
    assert set(here) <= {name for name, _, _ in parts}
    assert (
        int({name: value for name, _, value in parts}["--port"])
        == container["ports"][0]["containerPort"]
    )
    arguments = [f"{name}={here.get(name, value)}" for name, _, value in parts]
    command = [sys.executable, "-I", *container["command"][1:], *arguments]
    (identity,) = [one["name"] for one in container["env"]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, env={**os.environ, identity: "pod-0"})
    try:
        end = time.monotonic() + PATIENCE
        while not (said := re.search(r"metrics on port (\d+)", log.read_text())):
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        url = f"http://127.0.0.1:{said[1]}"
        for probe, code in (("startupProbe", 200), ("livenessProbe", 200), ("readinessProbe", 503)):
            request = container[probe]["httpGet"]
            assert request["port"] == container["ports"][0]["name"]
            assert httpx.get(url + request["path"]).status_code == code
        assert "kanaria_stream_messages_total" in httpx.get(f"{url}/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143
    finally:
        process.kill()
        process.wait()

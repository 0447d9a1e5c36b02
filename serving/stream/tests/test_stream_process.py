"""The process of a stream before it has a broker: what it says, and in which form."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FILE = """
group: g
kafka: {bootstrap.servers: "127.0.0.1:9"}
topics: {input: a, output: b, dead_letters: c}
model: {name: flights, namespace: team, url: "http://127.0.0.1:9"}
"""
PATIENCE = 120


def command(config: Path) -> list[str]:
    return [sys.executable, "-I", "-m", "kanaria.serving.stream", "--config", str(config)]


def test_its_log_is_objects_of_its_service_where_that_is_asked_for(tmp_path: Path):
    config, log = tmp_path / "stream.yaml", tmp_path / "stream.log"
    config.write_text(FILE)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(config), stderr=output, env={**os.environ, "KANARIA_LOG_FORMAT": "json"}
        )
    try:
        end = time.monotonic() + PATIENCE
        while "no broker answers" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {(line["namespace"], line["service"]) for line in lines} == {("team", "flights")}
    (away,) = [line for line in lines if "no broker answers" in line["message"]][:1]
    assert (away["level"], away["logger"]) == ("warning", "kanaria.serving.stream.run_stream")


def test_a_wrong_file_is_an_object_too(tmp_path: Path):
    config = tmp_path / "stream.yaml"
    config.write_text("group: g\n")
    done = subprocess.run(
        command(config),
        env={**os.environ, "KANARIA_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = map(json.loads, done.stderr.splitlines())
    assert line["level"] == "error"
    assert "kafka" in line["message"]

"""The logs of real servers as objects, from their first line to the one that says they stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

JSON = os.environ | {"KANARIA_LOG_FORMAT": "json"}


def log_of(until: Callable[[str], bool], *arguments: str) -> list[dict[str, Any]]:
    """Run a server until a line says what is waited for, then stop it; return all its lines."""
    command = [sys.executable, "-I", "-m", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=JSON) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line)
            if until(line):
                process.send_signal(signal.SIGTERM)
                break
        lines += process.stderr.readlines()
    assert process.returncode == 143, lines
    return [json.loads(line) for line in lines]


def test_the_drift_server(tmp_path: Path):
    store = str(tmp_path / "events.db")
    lines = log_of(
        lambda line: "listening" in line,
        *("kanaria.serving.drift_server", "--store", store, "--port", "0"),
    )
    assert lines[0]["message"].startswith("listening on http://127.0.0.1:")
    assert {line["level"] for line in lines} == {"info"}


def test_the_rollout_controller_names_the_service_that_it_cannot_work_on(tmp_path: Path):
    rollouts = tmp_path / "team/flights/rollouts"
    rollouts.mkdir(parents=True)
    (rollouts / "1.json").write_text("{")
    lines = log_of(
        lambda line: "damaged" in line,
        *("kanaria.serving.rollout", "--state", str(tmp_path), "--namespace", "team"),
    )
    (failure,) = [line for line in lines if line["level"] == "warning"]
    assert (failure["namespace"], failure["service"]) == ("team", "flights")
    assert lines[-1]["message"] == "stopped by SIGTERM"
    assert all(line["namespace"] == "team" for line in lines)


def test_wrong_usage_of_the_form_ends_a_server_with_one_line(tmp_path: Path):
    command = [sys.executable, "-I", "-m", "kanaria.serving.drift_server"]
    command += ["--store", str(tmp_path / "events.db")]
    ended = subprocess.run(
        command, env=JSON | {"KANARIA_LOG_FORMAT": "xml"}, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (
        1,
        "error: KANARIA_LOG_FORMAT='xml': use json or text\n",
    )

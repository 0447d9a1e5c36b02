"""Runs one task as a process: kfp's own executor in the task's runtime."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.local import environment
from kanaria.pipelines.local.plan import Task

POLL_SECONDS = 0.1
EXECUTOR_INPUT = "{{$}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """An artifact as kfp's executor sees it: name, schema title, path and metadata."""

    name: str
    schema_title: str
    uri: str
    metadata: Mapping[str, Any]

    def as_proto(self) -> dict[str, Any]:
        """Return it in the JSON form of an executor's input."""
        return {
            "name": self.name,
            "type": {"schemaTitle": self.schema_title, "schemaVersion": "0.0.1"},
            "uri": self.uri,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class StepInputs:
    """The resolved values and artifacts a task starts with."""

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Artifact]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOutputs:
    """What a finished task left.

    Attributes:
        parameters: output parameter -> value.
        artifacts: output artifact -> where it lies.
        seconds: wall time of the process, imports included.
        peak_mb: highest sum over its processes of proportional memory, in MiB.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Artifact]
    seconds: float
    peak_mb: int


class StepFailedError(KanariaError):
    """A task's process ended with another code than 0; the message is its cause."""


def _outputs(task: Task) -> Mapping[str, Any]:
    return task.component.get("outputDefinitions", {})


def executor_input(task: Task, inputs: StepInputs, folder: Path) -> dict[str, Any]:
    """Return what kfp's executor reads: inputs, and the paths below `folder` for outputs."""
    outputs = _outputs(task)
    artifacts = {
        name: Artifact(
            name=name,
            schema_title=definition["artifactType"]["schemaTitle"],
            uri=str(folder / name),
            metadata={},
        )
        for name, definition in outputs.get("artifacts", {}).items()
    }
    return {
        "inputs": {
            "parameterValues": dict(inputs.parameters),
            "artifacts": {n: {"artifacts": [a.as_proto()]} for n, a in inputs.artifacts.items()},
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": str(folder / "parameters" / name)}
                for name in outputs.get("parameters", {})
            },
            "artifacts": {name: {"artifacts": [a.as_proto()]} for name, a in artifacts.items()},
            "outputFile": str(folder / "executor_output.json"),
        },
    }


def _members(session: int) -> Iterator[Path]:
    """Yield the /proc folders of the processes of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended while we looked.
        if int(fields[3]) == session:
            yield folder


def _memory_kb(session: int) -> int:
    """Sum the proportional set sizes of a session's processes, in KiB."""
    total = 0
    for folder in _members(session):
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def _environment(python: Path, extra: Mapping[str, str]) -> dict[str, str]:
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, **extra, "PATH": path}


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process and return the peak memory of its session, in MiB."""
    peak = 0
    try:
        while process.poll() is None:
            peak = max(peak, _memory_kb(process.pid))
            time.sleep(POLL_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # The runner is asked to stop: so is the step.
        process.wait()
        raise
    return peak // 1024


def cause(log: Path) -> str:
    """Return the line of a log that says why the step failed: the last one that is not blank."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "the step wrote nothing"
    return last.removeprefix("kanaria.components.shared.errors.")


def run(task: Task, inputs: StepInputs, folder: Path, extra: Mapping[str, str]) -> StepOutputs:
    """Run `task` with its outputs below `folder` and its log in `folder/log.txt`.

    Args:
        task: what to run.
        inputs: resolved inputs.
        folder: new folder of this task.
        extra: environment variables beside the runner's own.

    Raises:
        StepFailedError: the process failed; the message is the last line of its log.
        ParameterError: its runtime is not installed.
    """
    python = environment.python_of(task.container["image"])
    request = executor_input(task, inputs, folder)
    (folder / "parameters").mkdir(parents=True)
    command = [
        part.replace(EXECUTOR_INPUT, json.dumps(request))
        for part in [*task.container["command"], *task.container.get("args", [])]
    ]
    log = folder / "log.txt"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=_environment(python, extra),
            start_new_session=True,
        )
        peak = _watch(process)
    seconds = time.monotonic() - started
    if process.returncode < 0:
        raise StepFailedError(f"killed by signal {-process.returncode}")
    if process.returncode:
        raise StepFailedError(cause(log))
    return _read_outputs(request, folder, seconds, peak)


def _read_outputs(
    request: Mapping[str, Any], folder: Path, seconds: float, peak: int
) -> StepOutputs:
    file = folder / "executor_output.json"
    written = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    promised = {n: e["artifacts"][0] for n, e in request["outputs"]["artifacts"].items()}
    told = {n: e["artifacts"][0] for n, e in written.get("artifacts", {}).items()}
    artifacts = {
        name: Artifact(
            name=name,
            schema_title=entry["type"]["schemaTitle"],
            uri=told.get(name, {}).get("uri", entry["uri"]),
            metadata=told.get(name, {}).get("metadata", {}),
        )
        for name, entry in promised.items()
    }
    return StepOutputs(
        parameters=written.get("parameterValues", {}),
        artifacts=artifacts,
        seconds=seconds,
        peak_mb=peak,
    )

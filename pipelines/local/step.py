"""Runs one task as a process: kfp's own executor in the task's runtime."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import KanariaError, shown
from kanaria.components.shared.storage import atomic
from kanaria.pipelines.local import runtime_python, step_attempts
from kanaria.pipelines.local.failure_cause import cause
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.warm_process import forkable_tasks
from kanaria.pipelines.local.warm_process.client import Warm

EXECUTOR_INPUT = "{{$}}"
LOG = "log.txt"
ENDINGS = {"system.HTML": ".html", "system.Markdown": ".md"}
"""What a file of such an artifact is called, so that a browser knows what it opens."""
OUTPUT = "executor_output.json"
PARAMETERS = "parameters"
RAISED = 1
"""Python's exit code after an error; what was killed may have left half a file."""
UNFINISHED = (
    "the step ended with code 0 but without its outputs; some code in it calls sys.exit or "
    "os._exit: let it return, or raise an error"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """An artifact as kfp's executor sees it: name, schema title, path and metadata.

    `copy` is the URI of its copy below the pipeline root, "" without one.
    """

    name: str
    schema_title: str
    uri: str
    metadata: Mapping[str, Any]
    copy: str = ""

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
        log: path of what it wrote.
        peak_mb: highest sum over its processes of proportional memory, in MiB; 0 if reused.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Artifact]
    log: str
    peak_mb: int = 0


class StepFailedError(KanariaError):
    """A task's process ended with another code than 0, or before its work was done.

    `left` are the output artifacts that a step which raised an error had written by then.
    """

    def __init__(self, message: str, left: Mapping[str, Artifact] | None = None) -> None:
        """Tell why, and what is there to look at."""
        super().__init__(message)
        self.left = left or {}


def _outputs(task: Task) -> Mapping[str, Any]:
    return task.component.get("outputDefinitions", {})


def _promised(task: Task, folder: Path) -> dict[str, Artifact]:
    """Return the output artifacts of a task before it has run."""
    titles = {
        name: definition["artifactType"]["schemaTitle"]
        for name, definition in _outputs(task).get("artifacts", {}).items()
    }
    return {
        name: Artifact(
            name=name,
            schema_title=title,
            uri=str(folder / f"{name}{ENDINGS.get(title, '')}"),
            metadata={},
        )
        for name, title in titles.items()
    }


def _left(task: Task, folder: Path) -> dict[str, Artifact]:
    """Return the output artifacts that are there although the step has failed."""
    promised = _promised(task, folder)
    return {name: each for name, each in promised.items() if Path(each.uri).exists()}


def executor_input(task: Task, inputs: StepInputs, folder: Path) -> dict[str, Any]:
    """Return what kfp's executor reads: inputs, and the paths below `folder` for outputs."""
    outputs = _outputs(task)
    artifacts = _promised(task, folder)
    return {
        "inputs": {
            "parameterValues": dict(inputs.parameters),
            "artifacts": {n: {"artifacts": [a.as_proto()]} for n, a in inputs.artifacts.items()},
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": str(folder / PARAMETERS / name)}
                for name in outputs.get("parameters", {})
            },
            "artifacts": {name: {"artifacts": [a.as_proto()]} for name, a in artifacts.items()},
            "outputFile": str(folder / OUTPUT),
        },
    }


def environment_of(
    python: Path, own: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """Return a step's environment: the runner's, its task's own variables, and `extra`."""
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    # A step imports nothing from the working folder: no key would know it.
    return {**os.environ, **quiet, **own, **extra, "PATH": path, "PYTHONSAFEPATH": "1"}


def _prepare(folder: Path, log: Path) -> None:
    """Make the folder of a task as it is before the step runs: empty, but for its log."""
    for left in folder.iterdir():
        if left != log:
            atomic.remove(left)
    (folder / PARAMETERS).mkdir()


def run(
    task: Task,
    inputs: StepInputs,
    folder: Path,
    extra: Mapping[str, str],
    tick: Callable[[], None],
    warm: Warm | None = None,
) -> StepOutputs:
    """Run `task` with its outputs below `folder` and its log in `folder/log.txt`.

    Args:
        task: what to run.
        inputs: resolved inputs.
        folder: new folder of this task.
        extra: environment variables beside the runner's own.
        tick: called several times a second.
        warm: the process to fork it from; None for a fresh process.

    Raises:
        StepFailedError: the process failed; the message is its cause.
        ParameterError: its runtime is not installed.
    """
    python = runtime_python.python_of(task.container["image"])
    request = executor_input(task, inputs, folder)
    command = [
        part.replace(EXECUTOR_INPUT, json.dumps(request))
        for part in [*task.container["command"], *task.container.get("args", [])]
    ]
    log = folder / LOG
    environ = environment_of(python, task.environment, extra)
    fork = partial(warm.start, command, forkable_tasks.stages(task), tick) if warm else None
    finished = step_attempts.run(
        command, environ, log, tick, prepare=lambda: _prepare(folder, log), fork=fork
    )
    if finished.code:
        left = _left(task, folder) if finished.code == RAISED else {}
        raise StepFailedError(cause(finished.code, log), left)
    return _read_outputs(task, request, folder, finished.peak_mb)


def _value(name: str, text: str, kind: str) -> Any:
    """Return the value of an output parameter from its file, as KFP reads it."""
    try:
        return text if kind == "STRING" else json.loads(text)
    except ValueError as error:
        raise StepFailedError(f"output {name}={shown(text)}: no value of type {kind}") from error


def _written(task: Task, folder: Path) -> dict[str, Any]:
    """Return what kfp's executor wrote when the step's function had returned.

    Raises:
        StepFailedError: it wrote nothing, so the function never returned.
    """
    try:
        output: dict[str, Any] = json.loads((folder / OUTPUT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise StepFailedError(UNFINISHED) from error
    wanted = _outputs(task).get("parameters", {})
    # A parameter that the function takes as a path, it writes there itself.
    files = {name: folder / PARAMETERS / name for name in wanted}
    values = {
        name: _value(name, file.read_text(encoding="utf-8"), wanted[name]["parameterType"])
        for name, file in files.items()
        if file.exists()
    }
    output["parameterValues"] = {**values, **output.get("parameterValues", {})}
    lacking = sorted(wanted.keys() - output["parameterValues"].keys())
    if lacking:
        raise StepFailedError(f"the step ended without its outputs {', '.join(lacking)}")
    return output


def _read_outputs(
    task: Task, request: Mapping[str, Any], folder: Path, peak_mb: int
) -> StepOutputs:
    written = _written(task, folder)
    promised = {n: e["artifacts"][0] for n, e in request["outputs"]["artifacts"].items()}
    as_written = {n: e["artifacts"][0] for n, e in written.get("artifacts", {}).items()}
    artifacts = {
        name: Artifact(
            name=name,
            schema_title=entry["type"]["schemaTitle"],
            uri=as_written.get(name, {}).get("uri", entry["uri"]),
            metadata=as_written.get(name, {}).get("metadata", {}),
        )
        for name, entry in promised.items()
    }
    return StepOutputs(
        parameters=written["parameterValues"],
        artifacts=artifacts,
        log=str(folder / LOG),
        peak_mb=peak_mb,
    )

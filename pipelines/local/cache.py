"""Reuse by content: a step runs again exactly when something it reads has changed.

The key is made of the component as compiled, the source code of the step, the packages of its
runtime, the values of its parameters, and the contents and metadata of its input artifacts. An
entry holds the outputs and their fingerprints, and counts only while the outputs are still
there, unchanged. Runs may share one folder at the same time: an entry appears whole or not at
all, and two entries under one key are equally good.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kanaria import components
from kanaria.components.shared import atomic, fingerprint
from kanaria.pipelines.local import environment
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.step import Artifact, StepInputs, StepOutputs

FILE_SUFFIX = "_file"


def _sources(folder: Path) -> str:
    """Return the fingerprint of the Python files below `folder`, tests left out."""
    files = [path for path in sorted(folder.rglob("*.py")) if "tests" not in path.parts]
    return fingerprint.of_text(
        *[part for f in files for part in (str(f.relative_to(folder)), fingerprint.of_file(f))]
    )


def code(task: Task) -> str:
    """Return the fingerprint of the code a task runs: its folder and the shared layer.

    A component that is not Kanaria's carries its code in the compiled document.
    """
    function = task.component["executorLabel"].removeprefix("exec-").replace("-", "_")
    name = next((n for n in components.FOLDERS if function.startswith(n)), None)
    if name is None:
        return ""
    root = Path(components.__file__).parent
    return fingerprint.of_text(_sources(root / components.FOLDERS[name]), _sources(root / "shared"))


def _module_source(name: str, value: Any, python: Path) -> str:
    """Return the content of an importable module named by a `*_file` parameter, else ""."""
    if not name.endswith(FILE_SUFFIX) or not isinstance(value, str):
        return ""
    if not all(part.isidentifier() for part in value.split(".")):
        return ""
    source = environment.module_source(python, value)
    return fingerprint.of_file(source) if source else ""


def _content(artifact: Artifact) -> str:
    path = Path(artifact.uri)
    return fingerprint.of_tree(path) if path.exists() else "absent"


def key(task: Task, inputs: StepInputs) -> str:
    """Return the key under which a result of `task` with `inputs` is kept, 64 hex digits."""
    python = environment.python_of(task.container["image"])
    return fingerprint.of_text(
        json.dumps([task.component, task.container], sort_keys=True, default=dict),
        code(task),
        environment.packages(python),
        json.dumps(dict(inputs.parameters), sort_keys=True),
        *[_module_source(name, value, python) for name, value in sorted(inputs.parameters.items())],
        *[
            part
            for name, artifact in sorted(inputs.artifacts.items())
            for part in (
                name,
                _content(artifact),
                json.dumps(dict(artifact.metadata), sort_keys=True),
            )
        ],
    )


class Cache:
    """Results of finished steps in a folder, one JSON file a key."""

    def __init__(self, folder: Path) -> None:
        """Keep results in `folder`, which is made when needed."""
        self._folder = folder

    def store(self, key: str, outputs: StepOutputs) -> None:
        """Keep a result, atomically."""
        entry = {
            "parameters": dict(outputs.parameters),
            "artifacts": {name: asdict(artifact) for name, artifact in outputs.artifacts.items()},
            "log": outputs.log,
            "contents": {name: _content(artifact) for name, artifact in outputs.artifacts.items()},
        }
        atomic.write_text(self._folder / f"{key}.json", json.dumps(entry))

    def find(self, key: str) -> StepOutputs | None:
        """Return the result kept under `key` if all its files are still there, unchanged."""
        path = self._folder / f"{key}.json"
        if not path.exists():
            return None
        entry: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        artifacts = {name: Artifact(**fields) for name, fields in entry["artifacts"].items()}
        if {name: _content(artifact) for name, artifact in artifacts.items()} != entry["contents"]:
            return None
        return StepOutputs(
            parameters=entry["parameters"], artifacts=artifacts, log=entry.get("log", "")
        )

"""Reuse by content: a step runs again exactly when something it reads has changed.

The key is made of the component as compiled, the source code of the step, the packages of its
runtime, the values of its parameters, what lies at those of them that a step reads, and the
contents and metadata of its input artifacts. An entry holds the outputs and their fingerprints,
and counts only while it is whole and the outputs are still there, unchanged. Runs may share one
folder at the same time: an entry appears whole or not at all, and two entries under one key are
equally good.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.data import data_reference, database_reference
from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.shared.storage import owner_only_files, uri_files
from kanaria.pipelines.local import runtime_python, user_modules
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.step import Artifact, StepInputs, StepOutputs
from kanaria.pipelines.local.step_code import code, component_name

FILE_SUFFIX = "_file"
FORMAT = DocumentFormat()
"""Of an entry; one of a newer program does not count, and the step runs again."""


EVAL_CONFIG = "eval_config_file"
MODULE = re.compile(r"""\bmodule\s*:\s*["']([\w.]+)["']""")
"""Where the text of an EvalConfig names a module."""
READ = {"ingest_data": "data", "validate_data": "serving_statistics"}
"""Component -> the parameter at whose URI it reads what may change; a release never changes."""


def _read(task: Task, name: str, value: Any, python: Path) -> str:
    """Return the fingerprint of what a step reads at a parameter's value, "" for nothing."""
    if not isinstance(value, str) or not value or data_reference.PIN in value:
        return ""
    if user_modules.is_module(name, value):
        return user_modules.examined(value, python)["fingerprint"]
    is_read = READ.get(component_name(task)) == name
    if is_read and name == "data":
        return "" if database_reference.is_database(value) else data_reference.pin(value)
    if not is_read and not name.endswith(FILE_SUFFIX):
        return ""
    is_place = uri_files.is_remote(value) or "://" not in value or value.startswith("file://")
    if not is_place or not uri_files.exists(value):
        return ""
    named = _named_modules(value, python) if name == EVAL_CONFIG else ()
    return fingerprint.of_text(uri_files.fingerprint(value), *named)


def _named_modules(eval_config: str, python: Path) -> Iterator[str]:
    """Yield the fingerprints of the modules whose metrics an EvalConfig names."""
    for module in sorted(set(MODULE.findall(uri_files.read_text(eval_config)))):
        try:
            yield user_modules.examined(module, python)["fingerprint"]
        except UserCodeError:
            yield ""  # The step tells it, with the metric that needs the module.


def _content(artifact: Artifact) -> str:
    path = Path(artifact.uri)
    return fingerprint.of_tree(path) if path.exists() else "absent"


def key(task: Task, inputs: StepInputs) -> str:
    """Return the key under which a result of `task` with `inputs` is kept, 64 hex digits."""
    python = runtime_python.python_of(task.container["image"])
    # What a pod would be given of a node changes no result.
    container = {name: part for name, part in task.container.items() if name != "resources"}
    return fingerprint.of_text(
        json.dumps([task.component, container], sort_keys=True, default=dict),
        code(task),
        runtime_python.packages(python),
        json.dumps(dict(inputs.parameters), sort_keys=True),
        *[_read(task, name, value, python) for name, value in sorted(inputs.parameters.items())],
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
        owner_only_files.write_text(
            self._folder / f"{key}.json", json.dumps(FORMAT.numbered(entry))
        )

    def find(self, key: str, task: Task) -> StepOutputs | None:
        """Return the result kept under `key` if it is whole and its files are there, unchanged.

        Args:
            key: of the task with its inputs.
            task: it has every output that this one promises.
        """
        path = self._folder / f"{key}.json"
        if not path.exists():
            return None
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            outputs, contents = _entry(FORMAT.current(raw, str(path)))
        except (
            DataError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ):  # Damaged, or of other code.
            return None
        same = {n: _content(artifact) for n, artifact in outputs.artifacts.items()} == contents
        return outputs if same and _is_whole(outputs, task) else None


def _is_whole(outputs: StepOutputs, task: Task) -> bool:
    promised = task.component.get("outputDefinitions", {})
    has_values = promised.get("parameters", {}).keys() <= outputs.parameters.keys()
    return has_values and promised.get("artifacts", {}).keys() <= outputs.artifacts.keys()


def _entry(entry: Mapping[str, Any]) -> tuple[StepOutputs, Mapping[str, str]]:
    field_names = {field.name for field in fields(Artifact)}
    artifacts = {
        name: Artifact(**{key: value for key, value in stored.items() if key in field_names})
        for name, stored in entry["artifacts"].items()
    }
    outputs = StepOutputs(
        parameters=dict(entry["parameters"]), artifacts=artifacts, log=str(entry.get("log", ""))
    )
    return outputs, entry["contents"]

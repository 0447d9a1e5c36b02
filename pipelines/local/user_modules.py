"""The user's module of a run: checked before anything runs, and published by its content."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.log_cause import raised
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.user_code import module_archive
from kanaria.pipelines.local import runtime_python
from kanaria.pipelines.local.plan import Plan

PARAMETER = "module_file"


def is_module(name: str, value: Any) -> bool:
    """Tell whether a parameter names a module: a `.py` file, here or in a store, or one by name."""
    if not name.endswith(PARAMETER) or not isinstance(value, str):
        return False
    return value.endswith(".py") or all(part.isidentifier() for part in value.split("."))


def examined(module: str, python: Path, folder: Path | None = None) -> Mapping[str, str]:
    """Return the fingerprint of a module's code, and the path of its archive below `folder`.

    Args:
        module: path or URI of a `.py` file, or an importable name.
        python: the interpreter that will import it; it knows what is installed there.
        folder: where to publish it; None for nowhere. An installed module is published nowhere.

    Raises:
        UserCodeError: it cannot be imported there, as far as its sources tell.
        DataError: there is no such remote file.
        NotReadyError: its store does not answer.
    """
    if not module.endswith(".py"):
        return _published_by(module, module, python, folder)
    with uri_files.opened(module) as path:
        return _published_by(module, str(path), python, folder)


def _published_by(module: str, path: str, python: Path, folder: Path | None) -> Mapping[str, str]:
    command = [str(python), "-P", "-m", module_archive.__name__, path]
    options = ["--folder", str(folder)] if folder else []
    answer = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise UserCodeError(raised(answer.stderr.splitlines()).replace(path, module))
    document: Mapping[str, str] = json.loads(answer.stdout)
    return document


def published(values: Mapping[str, Any], plan: Plan, store: Path) -> dict[str, Any]:
    """Publish each module that the parameters name below `store`; return values that name those.

    The returned path names the content of the module and of all the user's code that it needs.

    Raises:
        KanariaError: as `examined` does.
    """
    takers = [
        task for task in plan.tasks if any(name.endswith(PARAMETER) for name in task.parameters)
    ]
    if not takers:
        return dict(values)
    python = runtime_python.python_of(takers[0].container["image"])
    archives = {
        name: examined(value, python, store)["archive"] or value
        for name, value in values.items()
        if is_module(name, value)
    }
    return {**values, **archives}

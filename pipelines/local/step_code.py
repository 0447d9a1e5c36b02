"""The fingerprint of the code that a step of Kanaria's runs: its folder, and all it imports."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from kanaria import components
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.user_code import module_imports
from kanaria.pipelines.local.plan import Task

ROOT = Path(components.__file__).parents[1]
PACKAGE = "kanaria."


def component_name(task: Task) -> str:
    """Return the name of Kanaria's component that a task runs, "" for a component of others."""
    function = task.component["executorLabel"].removeprefix("exec-").replace("-", "_")
    return next((name for name in components.FOLDERS if function.startswith(name)), "")


def _python_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "tests" not in path.parts)


@functools.cache
def _imports(source: bytes) -> frozenset[str]:
    names = (each.name for each in module_imports.imports(ast.parse(source)))
    return frozenset(name for name in names if name.startswith(PACKAGE))


def _files(name: str) -> Iterator[Path]:
    """Yield the files that importing `kanaria.x.y` runs; a name in a module has none of its own."""
    path = ROOT
    for part in name.removeprefix(PACKAGE).split("."):
        path /= part
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                yield file


def code(task: Task) -> str:
    """Return the fingerprint of the task's code.

    A component that is not Kanaria's carries its code in the compiled document.
    """
    name = component_name(task)
    if not name:
        return ""
    folders = [ROOT / "components" / components.FOLDERS[name], ROOT / "components" / "shared"]
    waiting = [file for folder in folders for file in _python_files(folder)]
    hashes: dict[str, str] = {}
    names: set[str] = set()
    while waiting:
        file = waiting.pop()
        relative = file.relative_to(ROOT).as_posix()
        if relative not in hashes:
            hashes[relative] = fingerprint.of_file(file)
            new = _imports(file.read_bytes()) - names
            names |= new
            waiting += [each for name in new for each in _files(name)]
    return fingerprint.of_files(hashes)

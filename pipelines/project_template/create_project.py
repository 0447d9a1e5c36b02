"""Writes a project into a new or an empty folder, whole or not at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import atomic
from kanaria.pipelines.project_template import project_name

ENDING = ".template"
HIDDEN = "dot_"
COMPILED = "train_and_deploy/pipeline.yaml"
GIT = ".git"
LOCAL = "local.mk"


def create(folder: Path) -> str:
    """Make a project in `folder`, called as it; return its name.

    Args:
        folder: is made, with those above it, or is empty but for a `.git`.

    Raises:
        ParameterError: its name is none for a project, or something is in it.
        NotReadyError: the disk is full; as in every case, nothing is left behind.
        OSError: it cannot be written for another reason.
    """
    target = folder.resolve()
    name = target.name
    project_name.check(name)
    _check_empty(target, folder)
    with ExitStack() as undo:
        undo.callback(_remove, target, keep_folder=target.exists())
        target.mkdir(parents=True, exist_ok=True)
        for path, text in files(name).items():
            atomic.write_text(target / path, text)
        undo.pop_all()
    return name


def _remove(target: Path, *, keep_folder: bool) -> None:
    """Take back what was written into a folder that was empty."""
    if not target.is_dir():
        return
    for entry in target.iterdir():
        if entry.name != GIT:
            atomic.remove(entry)
    if not keep_folder:
        target.rmdir()


def _check_empty(target: Path, folder: Path) -> None:
    if target.is_dir():
        others = sorted(entry.name for entry in target.iterdir() if entry.name != GIT)
        if others:
            raise ParameterError(
                f"{folder}: not empty, it has {', '.join(others[:3])}"
                f"{' and more' if others[3:] else ''}; name a new folder"
            )
    elif os.path.lexists(target):
        raise ParameterError(f"{folder}: not a folder; name a new one")


def files(name: str) -> dict[str, str]:
    """Return path -> text of every file of the project called `name`."""
    names = {
        "@@project@@": name,
        "@@module@@": project_name.module_of(name),
        "@@version@@": version("kanaria"),
    }

    def filled(text: str) -> str:
        for mark, value in names.items():
            text = text.replace(mark, value)
        return text

    package = resources.files("kanaria.pipelines")
    written = {filled(path): filled(text) for path, text in _templates(package)}
    compiled = (package / COMPILED).read_text(encoding="utf-8")
    return {**written, "pipeline.yaml": compiled, LOCAL: _local()}


def _templates(package: Traversable) -> Iterator[tuple[str, str]]:
    """Yield path in a project and text of each template."""
    folders = [(PurePosixPath(), package / "project_template" / "files")]
    while folders:
        place, folder = folders.pop()
        for entry in folder.iterdir():
            path = place / _name_in_project(entry.name)
            if entry.is_dir():
                folders.append((path, entry))
            elif entry.name.endswith(ENDING):
                yield str(path), entry.read_text(encoding="utf-8")


def _name_in_project(name: str) -> str:
    stem = name.removesuffix(ENDING)
    return f".{stem.removeprefix(HIDDEN)}" if stem.startswith(HIDDEN) else stem


def interpreters() -> dict[str, Path]:
    """Return variable -> Python of each runtime, as `kanaria run` finds it; it may be missing."""
    named = os.environ.get("KANARIA_TRAINING_PYTHON")
    beside = Path(sys.prefix).with_name("training") / "bin" / "python"
    return {
        "KANARIA_SERVING_PYTHON": Path(sys.executable),
        "KANARIA_TRAINING_PYTHON": Path(named) if named else beside,
    }


def _local() -> str:
    """Return the text that tells make where this very Kanaria is: a checkout, or interpreters."""
    environment = Path(sys.prefix)
    checkout = environment.parent.parent
    is_checkout = environment == checkout / ".venv" / "serving"
    is_checkout = is_checkout and (checkout / "Makefile").is_file()
    variables = {"KANARIA": checkout} if is_checkout else interpreters()
    lines = [f"{name} ?= {_escaped(path)}\n" for name, path in variables.items()]
    return "".join(["# Where Kanaria is on this machine; git ignores it.\n", *lines])


def _escaped(path: Path) -> str:
    return str(path.absolute()).replace("$", "$$").replace("#", "\\#")

"""The training runtime with a user's own packages, in an environment of its own beside it.

It is a copy of the training environment by hard links, to which uv adds the packages of the list
under the constraints of the lock. Its name has the content of the list and the packages it was
copied from, so it is made once and never changed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kanaria import components
from kanaria.components.shared.command_line import code_of, say
from kanaria.components.shared.errors import NotReadyError, ParameterError, shown
from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines import requirements
from kanaria.pipelines.local import runtime_python

LOCK = Path(components.__file__).parents[1] / "uv.lock"
LOCK_FILE = ".own-packages.lock"
COMPLETE = ".complete"
# What the training environment holds: its packages, and those of its tests.
LOCKED = ("--extra", "training", "--group", "test", "--group", "servers")
NAMES_ALONE = ("--quiet", "--no-emit-project", "--no-hashes", "--no-header", "--no-annotate")
UNSOLVABLE = ("No solution found", "Couldn't parse")
FIXED = "the packages of uv.lock stay as they are; ask for what goes beside them"


def _uv(environments: Path) -> str:
    beside = environments / "uv" / "bin" / "uv"
    program = str(beside) if beside.is_file() else shutil.which("uv")
    if not program or not LOCK.is_file():
        missing = "uv.lock of a checkout" if program else "uv"
        raise ParameterError(
            f"{requirements.KEY}: {missing} is missing; run `make install` in a checkout, or "
            "install the packages yourself and name that Python in KANARIA_TRAINING_PYTHON"
        )
    return program


def _run(command: Sequence[str | Path], listed: Path) -> str:
    """Run uv and return what it printed; its error becomes one line that names the list."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.returncode:
        return done.stdout
    message = " ".join(done.stderr.split()).removeprefix("error: ").replace(" cause: ", ": ")
    if any(sign in message for sign in UNSOLVABLE):
        raise ParameterError(f"{listed}: {message} ({FIXED})")
    raise NotReadyError(f"{listed}: uv could not install it: {message}")


def _constraints(uv: str, listed: Path) -> str:
    """Return the locked packages, a line each."""
    export = [uv, "export", "--frozen", "--project", str(LOCK.parent), *LOCKED, *NAMES_ALONE]
    lines = _run(export, listed).splitlines()
    return "".join(f"{line.partition(' ;')[0]}\n" for line in lines)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # A file system without hard links.
        shutil.copy2(source, target)


def _copy(base: Path, folder: Path) -> None:
    """Put the packages of the environment `base` into that at `folder`."""
    packages = next(base.glob("lib/python3*/site-packages"))
    target = folder / packages.relative_to(base)
    shutil.copytree(packages, target, symlinks=True, copy_function=_link, dirs_exist_ok=True)


def _make(base: Path, python: Path, listed: Path) -> None:
    folder = python.parent.parent
    uv = _uv(folder.parent)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.write(_constraints(uv, listed))
        constraints.flush()
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--requirements"]
        install += [str(listed), "--constraints", constraints.name, "--python"]
        _run([*install, base, "--dry-run"], listed)  # What cannot be had leaves nothing behind.
        _run([uv, "venv", "--quiet", "--clear", "--python", base, folder], listed)
        _copy(base.parent.parent, folder)
        _run([*install, python], listed)
    (folder / COMPLETE).touch()


def ensure(listed: Path) -> Path:
    """Make the environment of `requirements.image(listed)` unless it is there; return its Python.

    Raises:
        ParameterError: the packages do not go beside the locked ones, or nothing can be installed
            here.
        NotReadyError: uv could not bring the packages.
    """
    base = runtime_python.python_of(TRAINING_IMAGE)
    python = runtime_python.python_with(base, requirements.image(listed))
    folder = python.parent.parent
    with folder.with_name(LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two runs may want it at the same time.
        if not (folder / COMPLETE).is_file():
            sys.stderr.write(f"note: installing {shown(str(listed))} once, in {folder}\n")
            _make(base, python, listed)
    return python


def _print_python() -> int:
    """Print the Python that has the packages of a list: what tests of a user's code run in."""
    listed, _ = requirements.split_off({requirements.KEY: sys.argv[1]}, {})
    if listed:
        say(str(ensure(listed)))
    return 0


if __name__ == "__main__":
    sys.exit(code_of(_print_python))

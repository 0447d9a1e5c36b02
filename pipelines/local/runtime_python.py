"""Which Python a task runs in: the one whose locked set its image holds."""

import os
import sys
from functools import lru_cache
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.requirements import KEY, MARK

RUNTIMES = {
    "kanaria-training": "training",
    "kanaria-training-gpu": "training",
    "kanaria-training-spark": "training",
    "kanaria-control": "serving",
    "kanaria-feast": "feast",
}
"""Image name without registry and tag -> folder under `.venv`, and extra where there is one."""

MAKES = {"feast": "feast"}
"""Runtime -> target of make, where it is not `install`."""


def runtime_of(image: str) -> str:
    """Return the runtime that stands for `image` on this machine.

    Raises:
        ParameterError: the image is none of Kanaria's.
    """
    name = image.rsplit("/", 1)[-1].split(":", 1)[0]
    if name not in RUNTIMES:
        raise ParameterError(
            f"image={shown(image)}: no local runtime stands for it; the local runner knows "
            f"{', '.join(RUNTIMES)}"
        )
    return RUNTIMES[name]


def python_of(image: str) -> Path:
    """Return the interpreter a task with `image` runs in.

    It is named by KANARIA_TRAINING_PYTHON or KANARIA_SERVING_PYTHON. Otherwise the steps of the
    control image run in the environment of this command, and those of the training image in the
    one beside it. An image with a user's own packages has one beside that.

    Raises:
        ParameterError: there is no such interpreter.
    """
    runtime = runtime_of(image)
    named = os.environ.get(f"KANARIA_{runtime.upper()}_PYTHON")
    here = Path(sys.prefix)
    beside = here if runtime == "serving" else here.with_name(runtime)
    path = Path(named) if named else beside / "bin" / "python"
    if not path.is_file():
        raise ParameterError(
            f"runtime {runtime!r}: no Python at {shown(str(path))}; run `make "
            f"{MAKES.get(runtime, 'install')}`, or let KANARIA_{runtime.upper()}_PYTHON name one "
            "that has what its image holds"
        )
    if MARK not in image:
        return path
    own = python_with(path, image)
    if not own.is_file():
        raise ParameterError(f"image={shown(image)}: no Python at {shown(str(own))}; give {KEY}")
    return own


def python_with(base: Path, image: str) -> Path:
    """Return where the Python of an image with a user's own packages lies, beside `base`.

    Its folder has the hash of the list of packages from the image's tag, and that of the packages
    that `base` has.
    """
    folder = base.parent.parent
    digest = image.rpartition(MARK)[2]
    return folder.with_name(f"{folder.name}{MARK}{digest}-{packages(base)[:8]}") / "bin" / "python"


@lru_cache
def packages(python: Path) -> str:
    """Return the fingerprint of the names and versions of the packages that `python` has."""
    folders = python.parent.parent.glob("lib/python3*/site-packages/*.dist-info")
    return fingerprint.of_text(*sorted(folder.name for folder in folders))

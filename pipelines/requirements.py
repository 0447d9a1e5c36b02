"""A user's own packages beside the locked ones: their list, and the image that holds both.

The list lies beside the config, which names it as `requirements_file`. Here it becomes an
environment beside the training runtime (`local.own_packages`), on a cluster the image that
`make image-with` builds. Both are named by the content of the list.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.step_images import TRAINING_GPU_IMAGE, TRAINING_IMAGE

KEY = "requirements_file"
TRAINING = tuple(f"{name.partition(':')[0]}:" for name in (TRAINING_IMAGE, TRAINING_GPU_IMAGE))
"""How the names of the images begin that take a user's packages."""
MARK = "-with-"
"""Stands in the image's tag before the hash of the list; the Makefile writes the same."""
HASH_LENGTH = 12
ELSEWHERE_IN_LINE = re.compile(r"^(-(?!-hash)|[./~])|(^|[\s@])file:")
ELSEWHERE = (
    "name packages alone; no file beside the list is in the image, and indexes come from the "
    "environment (UV_DEFAULT_INDEX)"
)


def split_off(
    values: Mapping[str, Any], declared: Mapping[str, Any]
) -> tuple[Path | None, dict[str, Any]]:
    """Return the list's path, None without one, and the other values.

    Args:
        values: what a config gives.
        declared: the pipeline's own parameters; one of the same name is the pipeline's.

    Raises:
        ParameterError: there is no such file, or its lines name more than packages; all at once.
    """
    rest = dict(values)
    if KEY in declared or not (value := rest.pop(KEY, "")):
        return None, rest
    if not isinstance(value, str) or not Path(value).is_file():
        raise ParameterError(f"{KEY}={shown(value)}: no such file on this machine")
    _check_lines(Path(value))
    return Path(value), rest


def _check_lines(path: Path) -> None:
    faults = Faults(KEY)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path}: not UTF-8: {error}") from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        if ELSEWHERE_IN_LINE.search(line.partition(" #")[0]):
            faults.add(f"{path}:{number}: {shown(line)}: {ELSEWHERE}")
    faults.raise_if_any()


def image(requirements: Path, training_image: str = TRAINING_IMAGE) -> str:
    """Return the name of the training image with the packages of the list."""
    digest = fingerprint.of_file(requirements)[:HASH_LENGTH]
    return f"{training_image.partition(MARK)[0]}{MARK}{digest}"


def with_packages(document: dict[str, Any], requirements: Path | None) -> dict[str, Any]:
    """Return the compiled pipeline with the steps of the training image in that image.

    Args:
        document: compiled pipeline.
        requirements: the list; None to leave all as it is.
    """
    for executor in document["deploymentSpec"].get("executors", {}).values():
        container = executor.get("container", {})
        named = container.get("image", "")
        if requirements and named.rpartition("/")[2].startswith(TRAINING):
            container["image"] = image(requirements, named)
    return document

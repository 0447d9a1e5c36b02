"""Names all that decides what a training ends with, so that only an equal one is resumed."""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.shared import fingerprint, storage


def _module_source(module_file: str) -> str:
    """Return the fingerprint of the user's module: that file counts, not what it imports."""
    if module_file.endswith(".py"):
        return storage.sha256(module_file)
    source = importlib.import_module(module_file).__file__
    return fingerprint.of_file(Path(source)) if source else module_file


def training_key(contents: Sequence[Path], module_file: str, settings: Mapping[str, Any]) -> str:
    """Return 64 hexadecimal digits that are equal for trainings with the same end.

    Args:
        contents: folders that the training reads; their names do not count.
        module_file: the user's module, which is loaded already.
        settings: parameters, as JSON can hold them.
    """
    return fingerprint.of_text(
        tf.__version__,
        _module_source(module_file),
        json.dumps(dict(settings), sort_keys=True),
        *map(fingerprint.of_tree, contents),
    )

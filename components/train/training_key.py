"""Names all that decides what a training ends with, so that only an equal one is resumed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.user_code import user_module


def training_key(contents: Sequence[Path], module_file: str, settings: Mapping[str, Any]) -> str:
    """Return 64 hexadecimal digits that are equal for trainings with the same end.

    Args:
        contents: folders that the training reads; their names do not count.
        module_file: the user's module; what it imports of the user's code counts too.
        settings: parameters, as JSON can hold them.
    """
    return fingerprint.of_text(
        tf.__version__,
        user_module.fingerprint(module_file),
        json.dumps(dict(settings), sort_keys=True),
        *map(fingerprint.of_tree, contents),
    )

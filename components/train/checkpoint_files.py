"""Checkpoints as files: each a folder that is whole or is not used.

    <checkpoints>/epoch-000003/state.index, state.data-...   what TensorFlow wrote
    <checkpoints>/epoch-000003/checkpoint.json               its position, and every file's SHA-256

The folder is written under another name and renamed; in a bucket checkpoint.json comes last.
Either way a checkpoint counts only while its files are those that checkpoint.json names.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.artifacts.document_format import DocumentFormat, NewerFormatError
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import atomic

logger = logging.getLogger(__name__)

MANIFEST = "checkpoint.json"
FORMAT = DocumentFormat()
"""Of checkpoint.json."""
STATE = "state"
REMEDY = "the one before it is used"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far a training had come.

    Attributes:
        key: of the training, see `kanaria.components.train.model_run.ModelRun`.
        epoch: epochs done, 1 or more.
        batches: batches consumed from the dataset.
    """

    key: str
    epoch: int
    batches: int


def _digest(values: dict[str, Any]) -> str:
    return fingerprint.of_text(json.dumps(values, sort_keys=True))


def write(checkpoints: Path, position: Position, save: Callable[[Path], object]) -> Path:
    """Write a checkpoint and return its folder; a kill at any moment leaves none or a whole one.

    Args:
        checkpoints: folder of all checkpoints.
        position: what it holds the state of.
        save: writes the state to files whose names begin with the given path.
    """
    target = checkpoints / f"epoch-{position.epoch:06d}"
    with atomic.published(target) as temporary:
        temporary.mkdir()
        save(temporary / STATE)
        files = {file.name: fingerprint.of_file(file) for file in sorted(temporary.iterdir())}
        values = {**asdict(position), "files": files}
        text = json.dumps(FORMAT.numbered({**values, "digest": _digest(values)}), indent=1)
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
    return target


def read(checkpoint: Path) -> Position:
    """Return the position of a checkpoint after looking at every byte of it.

    Raises:
        NewerFormatError: a newer Kanaria wrote it.
        DataError: a file is missing, cut or changed, or is not of this checkpoint.
    """
    try:
        text = (checkpoint / MANIFEST).read_text(encoding="utf-8")
        values = FORMAT.current(json.loads(text), str(checkpoint / MANIFEST))
        digest = values.pop("digest")
        expected = values.pop("files")
        position = Position(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{checkpoint}: {MANIFEST} is damaged ({shown(str(error))}); {REMEDY}"
        ) from error
    files = [file for file in sorted(checkpoint.iterdir()) if file.name != MANIFEST]
    checksums = {file.name: fingerprint.of_tree(file) for file in files}
    if checksums != expected or digest != _digest({**asdict(position), "files": expected}):
        raise DataError(f"{checkpoint}: damaged, its checksums differ; {REMEDY}")
    return position


def usable(checkpoints: Path, key: str) -> dict[Path, Position]:
    """Return the whole checkpoints of the training `key`, oldest first; log why others are not.

    Raises:
        NewerFormatError: a newer Kanaria wrote one, so this one must not remove it.
    """
    positions = {}
    for path in sorted(checkpoints.glob("epoch-*")):
        try:
            position = read(path)
        except NewerFormatError:
            raise
        except DataError as error:
            logger.warning("%s", error)
            continue
        if position.key == key:
            positions[path] = position
        else:
            logger.warning(
                "%s: made with other data, another module or other parameters; it is removed", path
            )
    return positions

"""Loads a detector with its reference from a folder, of this program or of Alibi Detect."""

from pathlib import Path
from typing import Any

from kanaria.serving.drift import alibi, saved
from kanaria.serving.drift.protocol import Detector, Reference

OF_ALIBI, OWN = "config.toml", "detector.json"


def load(folder: Path) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference in `folder`.

    Args:
        folder: as `saved.save` writes it, or an artefact of Alibi Detect, which `alibi` reads
            without that program.

    Raises:
        DataError: it is neither, or is one that cannot be read here.
    """
    is_of_alibi = (folder / OF_ALIBI).is_file() and not (folder / OWN).is_file()
    return alibi.load(folder) if is_of_alibi else saved.load(folder)

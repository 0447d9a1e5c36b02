"""Loads a detector with its reference from a folder, of this program or of Alibi Detect."""

from pathlib import Path
from typing import Any

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.protocol import Detector, Reference

OF_ALIBI, OWN = "config.toml", "detector.json"


def load(folder: Path) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference in `folder`.

    Args:
        folder: as `saved_detector.save` writes it, or an artefact of Alibi Detect, which
            `alibi.artefact` reads without that program.

    Raises:
        DataError: it is neither, or is one that cannot be read here.
    """
    is_of_alibi = (folder / OF_ALIBI).is_file() and not (folder / OWN).is_file()
    return artefact.load(folder) if is_of_alibi else saved_detector.load(folder)

"""Detectors with their references on disk: `detector.json` and `reference.npz`, no pickle."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift.detector import Detector, Reference
from kanaria.serving.drift.detector_registry import KINDS

DETECTOR, REFERENCE = "detector.json", "reference.npz"
FORMAT = DocumentFormat()
"""Of a whole folder; the number stands in detector.json."""


def save(folder: Path, detector: Detector[Any], reference: Reference) -> None:
    """Write `detector` and `reference` into the new folder `folder`, whole or not at all.

    Raises:
        ParameterError: the folder exists.
    """
    if folder.exists():
        raise ParameterError(f"{folder}: it exists; name a new folder for the detector")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        settings = TypeAdapter(KINDS[detector.name].settings).dump_python(detector, mode="json")
        document = FORMAT.numbered({"detector": detector.name, "settings": settings})
        (whole / DETECTOR).write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        _write_arrays(whole / REFERENCE, reference.arrays())
        whole.rename(folder)


def load(folder: Path) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference that `save` wrote into `folder`.

    Raises:
        DataError: a file is absent or is none that `save` writes.
    """
    try:
        path = folder / DETECTOR
        document = FORMAT.current(json.loads(path.read_text("utf-8")), str(path))
        kind = KINDS[document["detector"]]
        detector: Detector[Any] = TypeAdapter(kind.settings).validate_python(
            document["settings"], strict=False
        )
        with np.load(folder / REFERENCE, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        return detector, kind.reference.from_arrays(arrays)
    except (OSError, ValueError, KeyError, TypeError, ValidationError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: no saved detector: {shown(error)}; save it anew") from error


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write `arrays` as an npz file; equal arrays give equal bytes.

    numpy's own writer leaves the sizes to be filled in later, which Python's releases do otherwise.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            written = io.BytesIO()
            np.save(written, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(entry, written.getvalue(), zipfile.ZIP_DEFLATED)

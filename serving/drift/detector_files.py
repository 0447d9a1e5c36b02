"""How detectors of any kind lie on disk: settings as JSON, arrays as npz, no pickle."""

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

from kanaria.components.shared.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift.protocol import Reference

Kinds = Mapping[str, tuple[type[Any], type[Reference]]]
"""Name of a detector -> the type of its settings and of its reference."""
Arrays = Mapping[str, NDArray[Any]]
FORMAT = DocumentFormat()
"""Of a whole folder; the number stands in detector.json."""


def write(folder: Path, kinds: Kinds, detector: Any, arrays: Mapping[str, Arrays]) -> None:
    """Write the new folder `folder`, whole or not at all.

    Args:
        folder: that does not exist.
        kinds: known detectors.
        detector: one of them.
        arrays: name of a file, without npz, -> what it holds.

    Raises:
        ParameterError: the folder exists.
    """
    if folder.exists():
        raise ParameterError(f"{folder}: it exists; name a new folder for the detector")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        settings = TypeAdapter(kinds[detector.name][0]).dump_python(detector, mode="json")
        document = {"detector": detector.name, "settings": settings}
        (whole / "detector.json").write_text(
            json.dumps(FORMAT.numbered(document), indent=2) + "\n", "utf-8"
        )
        for name, held in arrays.items():
            write_arrays(whole / f"{name}.npz", held)
        whole.rename(folder)


def read(folder: Path, kinds: Kinds) -> tuple[Any, Any]:
    """Return the detector and the reference in `folder`.

    Raises:
        DataError: a file is absent or is none that `write` writes.
    """
    try:
        path = folder / "detector.json"
        document = FORMAT.current(json.loads(path.read_text("utf-8")), str(path))
        detector_type, reference_type = kinds[document["detector"]]
        detector = TypeAdapter(detector_type).validate_python(document["settings"], strict=False)
        return detector, reference_type.from_arrays(_arrays(folder / "reference.npz"))
    except (OSError, ValueError, KeyError, TypeError, ValidationError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: no saved detector: {shown(error)}; save it anew") from error


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write `arrays` as an npz file; equal arrays give equal bytes.

    numpy's own writer leaves the sizes to be filled in later, which Python's releases do otherwise.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            written = io.BytesIO()
            np.save(written, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(entry, written.getvalue(), zipfile.ZIP_DEFLATED)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file.

    Raises:
        DataError: it is absent or none.
    """
    try:
        return _arrays(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: no saved arrays: {shown(error)}; save it anew") from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as held:
        return {name: held[name] for name in held.files}

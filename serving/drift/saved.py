"""Detectors with their references on disk: `detector.json` and `reference.npz`, no pickle."""

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift.chi_squared import ChiSquared
from kanaria.serving.drift.counted import CountedReference
from kanaria.serving.drift.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.fisher_exact import FisherExact
from kanaria.serving.drift.jensen_shannon import JensenShannon
from kanaria.serving.drift.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.least_squares_density_difference import LeastSquaresDensityDifference
from kanaria.serving.drift.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.maximum_mean_discrepancy_fourier import FourierMaximumMeanDiscrepancy
from kanaria.serving.drift.missing_values import MissingValues
from kanaria.serving.drift.mixed import TableReference
from kanaria.serving.drift.ordered import OrderedReference
from kanaria.serving.drift.population_stability import PopulationStability
from kanaria.serving.drift.protocol import Detector, Reference
from kanaria.serving.drift.rows import RowsReference
from kanaria.serving.drift.table import Table
from kanaria.serving.drift.wasserstein import Wasserstein

KINDS: Mapping[str, tuple[type[Any], type[Reference]]] = {
    "chi_squared": (ChiSquared, CountedReference),
    "cramer_von_mises": (CramerVonMises, OrderedReference),
    "fisher_exact": (FisherExact, CountedReference),
    "jensen_shannon": (JensenShannon, TableReference),
    "kolmogorov_smirnov": (KolmogorovSmirnov, OrderedReference),
    "least_squares_density_difference": (LeastSquaresDensityDifference, RowsReference),
    "maximum_mean_discrepancy": (MaximumMeanDiscrepancy, RowsReference),
    "maximum_mean_discrepancy_fourier": (FourierMaximumMeanDiscrepancy, RowsReference),
    "missing_values": (MissingValues, CountedReference),
    "population_stability": (PopulationStability, TableReference),
    "table": (Table, TableReference),
    "wasserstein": (Wasserstein, OrderedReference),
}
"""Name of a detector -> the type of its settings and of its reference."""


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
        settings = TypeAdapter(KINDS[detector.name][0]).dump_python(detector, mode="json")
        document = {"detector": detector.name, "settings": settings}
        (whole / "detector.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        with (whole / "reference.npz").open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **reference.arrays())
        whole.rename(folder)


def load(folder: Path) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference that `save` wrote into `folder`.

    Raises:
        DataError: a file is absent or is none that `save` writes.
    """
    try:
        document = json.loads((folder / "detector.json").read_text("utf-8"))
        detector_type, reference_type = KINDS[document["detector"]]
        detector = TypeAdapter(detector_type).validate_python(document["settings"], strict=False)
        with np.load(folder / "reference.npz", allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        return detector, reference_type.from_arrays(arrays)
    except (OSError, ValueError, KeyError, TypeError, ValidationError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: no saved detector: {shown(error)}; save it anew") from error

"""Outlier detectors with their references on disk, as `drift.saved` keeps the others."""

from pathlib import Path

from kanaria.serving.drift import detector_files
from kanaria.serving.drift.outliers.isolation_forest import IsolationForest
from kanaria.serving.drift.outliers.mahalanobis import Mahalanobis
from kanaria.serving.drift.outliers.protocol import OutlierDetector
from kanaria.serving.drift.references.sample_reference import SampledReference

KINDS: detector_files.Kinds = {
    "isolation_forest": (IsolationForest, SampledReference),
    "mahalanobis": (Mahalanobis, SampledReference),
}


def save(folder: Path, detector: OutlierDetector, reference: SampledReference) -> None:
    """Write `detector` and `reference` into the new folder `folder`, whole or not at all.

    Raises:
        ParameterError: the folder exists.
    """
    detector_files.write(folder, KINDS, detector, {"reference": reference.arrays()})


def load(folder: Path) -> tuple[OutlierDetector, SampledReference]:
    """Return the detector and the reference that `save` wrote into `folder`.

    Raises:
        DataError: a file is absent or is none that `save` writes.
    """
    detector, reference = detector_files.read(folder, KINDS)
    return detector, reference

"""Detectors with their references on disk: `detector.json` and `reference.npz`, no pickle."""

from pathlib import Path
from typing import Any

from kanaria.serving.drift import detector_files
from kanaria.serving.drift.model_outputs.black_box_shift import BlackBoxShift
from kanaria.serving.drift.model_outputs.uncertainty import Uncertainty
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.protocol import Detector, Reference
from kanaria.serving.drift.references.counts_reference import CountedReference
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.references.sample_reference import SampledReference
from kanaria.serving.drift.references.sorted_reference import OrderedReference
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

KINDS: detector_files.Kinds = {
    "black_box_shift": (BlackBoxShift, TableReference),
    "chi_squared": (ChiSquared, CountedReference),
    "cramer_von_mises": (CramerVonMises, OrderedReference),
    "domain_classifier": (DomainClassifier, SampledReference),
    "fisher_exact": (FisherExact, CountedReference),
    "jensen_shannon": (JensenShannon, TableReference),
    "kolmogorov_smirnov": (KolmogorovSmirnov, OrderedReference),
    "least_squares_density_difference": (LeastSquaresDensityDifference, RowsReference),
    "maximum_mean_discrepancy": (MaximumMeanDiscrepancy, RowsReference),
    "maximum_mean_discrepancy_fourier": (FourierMaximumMeanDiscrepancy, RowsReference),
    "missing_values": (MissingValues, CountedReference),
    "population_stability": (PopulationStability, TableReference),
    "table": (Table, TableReference),
    "uncertainty": (Uncertainty, TableReference),
    "wasserstein": (Wasserstein, OrderedReference),
}
"""Name of a detector -> the type of its settings and of its reference."""


def save(folder: Path, detector: Detector[Any], reference: Reference) -> None:
    """Write `detector` and `reference` into the new folder `folder`, whole or not at all.

    Raises:
        ParameterError: the folder exists.
    """
    detector_files.write(folder, KINDS, detector, {"reference": reference.arrays()})


def load(folder: Path) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference that `save` wrote into `folder`.

    Raises:
        DataError: a file is absent or is none that `save` writes.
    """
    detector, reference = detector_files.read(folder, KINDS)
    return detector, reference

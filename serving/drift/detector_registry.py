"""Every detector by its kind: the one table from which steps, watches and documents know them."""

from dataclasses import dataclass, fields
from typing import Any

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.drift.detector import Reference
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
from kanaria.serving.drift.online.adaptive_window import AdaptiveWindow
from kanaria.serving.drift.online.online_cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.online_fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.online_maximum_mean_discrepancy import (
    OnlineMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.online.page_hinkley import PageHinkley
from kanaria.serving.drift.outliers.isolation_forest import IsolationForest
from kanaria.serving.drift.outliers.mahalanobis import Mahalanobis
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

DEFAULT = "table"
ALIBI = "alibi"
"""The kind of an artefact of Alibi Detect, which `detector_choice` loads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of detector.

    Attributes:
        name: in documents, in metrics and on disk.
        short: how the field abbreviates it, which is understood too; "" for nothing shorter.
        asks: what of the rows.
        of: which columns.
        settings: the detector, a frozen dataclass of its parameters.
        reference: what it keeps of the reference rows.
        fixed: parameters that shape the reference, so that they are set when it is fitted.
        needs: the library that it computes with and that the control image alone has, or "".
    """

    name: str
    short: str = ""
    asks: str
    of: str
    settings: type[Any]
    reference: type[Reference]
    fixed: tuple[str, ...] = ()
    needs: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(field.name for field in fields(self.settings))


EACH_NUMBER, EACH_COLUMN = "each number", "each column"
NUMBERS_TOGETHER, MIXED = "all numbers together", "a mixed table"
ANSWERS = "a classifier's probabilities"
_ALL = (
    Kind(
        name="table",
        asks="Kolmogorov-Smirnov, chi-squared and shares of missing values",
        of=MIXED,
        settings=Table,
        reference=TableReference,
        fixed=("categorical",),
    ),
    Kind(
        name="kolmogorov_smirnov",
        short="ks",
        asks="largest difference of distributions",
        of=EACH_NUMBER,
        settings=KolmogorovSmirnov,
        reference=SortedReference,
    ),
    Kind(
        name="cramer_von_mises",
        short="cvm",
        asks="their mean squared difference",
        of=EACH_NUMBER,
        settings=CramerVonMises,
        reference=SortedReference,
    ),
    Kind(
        name="wasserstein",
        asks="how far the values moved",
        of=EACH_NUMBER,
        settings=Wasserstein,
        reference=SortedReference,
    ),
    Kind(
        name="chi_squared",
        short="chi2",
        asks="shares of categories",
        of="each category column",
        settings=ChiSquared,
        reference=CountsReference,
    ),
    Kind(
        name="fisher_exact",
        short="fet",
        asks="share of ones, exactly",
        of="each column of 0 and 1",
        settings=FisherExact,
        reference=CountsReference,
    ),
    Kind(
        name="missing_values",
        asks="shares of rows without a value",
        of=EACH_COLUMN,
        settings=MissingValues,
        reference=CountsReference,
    ),
    Kind(
        name="jensen_shannon",
        asks="distance over bins, from 0 to 1",
        of=MIXED,
        settings=JensenShannon,
        reference=TableReference,
        fixed=("categorical",),
    ),
    Kind(
        name="population_stability",
        short="psi",
        asks="the index of credit scoring",
        of=MIXED,
        settings=PopulationStability,
        reference=TableReference,
        fixed=("categorical",),
    ),
    Kind(
        name="maximum_mean_discrepancy",
        short="mmd",
        asks="any difference of distributions",
        of=NUMBERS_TOGETHER,
        settings=MaximumMeanDiscrepancy,
        reference=RowsReference,
    ),
    Kind(
        name="maximum_mean_discrepancy_fourier",
        short="mmd_fourier",
        asks="the same for many rows, seeing less",
        of=NUMBERS_TOGETHER,
        settings=FourierMaximumMeanDiscrepancy,
        reference=RowsReference,
    ),
    Kind(
        name="least_squares_density_difference",
        short="lsdd",
        asks="any difference of densities",
        of=NUMBERS_TOGETHER,
        settings=LeastSquaresDensityDifference,
        reference=RowsReference,
    ),
    Kind(
        name="domain_classifier",
        short="classifier",
        asks="whether a model tells the rows apart",
        of=MIXED,
        settings=DomainClassifier,
        reference=SampleReference,
        fixed=("categorical", "rows"),
    ),
    Kind(
        name="black_box_shift",
        short="bbsd",
        asks="answers of a classifier",
        of=ANSWERS,
        settings=BlackBoxShift,
        reference=TableReference,
        fixed=("outputs",),
    ),
    Kind(
        name="uncertainty",
        asks="how sure it is of them",
        of=ANSWERS,
        settings=Uncertainty,
        reference=TableReference,
        fixed=("outputs", "measure"),
    ),
    Kind(
        name="online_cramer_von_mises",
        short="online_cvm",
        asks="row by row: ranks in several newest windows",
        of=EACH_NUMBER,
        settings=OnlineCramerVonMises,
        reference=SortedReference,
    ),
    Kind(
        name="online_fisher_exact",
        short="online_fet",
        asks="row by row: the share of ones in them",
        of="each column of 0 and 1",
        settings=OnlineFisherExact,
        reference=CountsReference,
    ),
    Kind(
        name="online_maximum_mean_discrepancy",
        short="online_mmd",
        asks="row by row: the newest window of whole rows",
        of=NUMBERS_TOGETHER,
        settings=OnlineMaximumMeanDiscrepancy,
        reference=RowsReference,
    ),
    Kind(
        name="page_hinkley",
        asks="row by row: sums of deviations from the mean",
        of=EACH_NUMBER,
        settings=PageHinkley,
        reference=SortedReference,
    ),
    Kind(
        name="adaptive_window",
        short="adwin",
        asks="row by row: means before and after every cut",
        of=EACH_NUMBER,
        settings=AdaptiveWindow,
        reference=SortedReference,
        needs="river",
    ),
    Kind(
        name="mahalanobis",
        asks="outliers: distance from the mean, in its own covariance",
        of=NUMBERS_TOGETHER,
        settings=Mahalanobis,
        reference=SampleReference,
    ),
    Kind(
        name="isolation_forest",
        asks="outliers: how few random cuts set a row apart",
        of=NUMBERS_TOGETHER,
        settings=IsolationForest,
        reference=SampleReference,
    ),
)
KINDS = {kind.name: kind for kind in _ALL}
"""Name of a kind -> it."""
SHORT = {kind.short: kind.name for kind in _ALL if kind.short}


def kind_of(name: str) -> Kind:
    """Return the kind that `name` or its abbreviation names.

    Raises:
        ParameterError: there is none.
    """
    kind = KINDS.get(SHORT.get(name, name))
    if kind is None:
        near = meant(name, [*KINDS, *SHORT, ALIBI])
        raise ParameterError(f"kind={shown(name)}: no such detector{near or listed()}")
    return kind


def listed() -> str:
    """Return all kinds, for a message."""
    return f"; use {', '.join(KINDS)} or {ALIBI}"

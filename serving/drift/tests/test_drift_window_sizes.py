"""A small window is never called stable, and a big one never alarms on next to nothing."""

import numpy as np
import pytest

from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

SMALL, BIG = 12, 1_000_000


def normal(generator, rows, moved):
    return {"x": generator.normal(moved, size=rows)}


def ones(generator, rows, moved):
    return {"x": (generator.random(rows) < 0.2 + moved).astype(float)}


def empty(generator, rows, moved):
    return {"x": np.where(generator.random(rows) < 0.2 + moved, np.nan, 1.0)}


CASES = [
    (KolmogorovSmirnov(), normal),
    (CramerVonMises(), normal),
    (ChiSquared(), ones),
    (FisherExact(), ones),
    (JensenShannon(), normal),
    (PopulationStability(), normal),
    (Wasserstein(), normal),
    (MissingValues(), empty),
    (Table(), normal),
    (Table(), empty),
    (DomainClassifier(rows=2000), normal),
]
every_case = pytest.mark.parametrize(
    ("detector", "draw"), CASES, ids=[f"{kind.name}-{draw.__name__}" for kind, draw in CASES]
)


@every_case
def test_a_small_window_without_drift_is_not_enough_data(detector, draw):
    generator = np.random.default_rng(1)
    reference = detector.fit(draw(generator, 5000, 0))
    verdict = detector.test(reference, draw(generator, SMALL, 0)).verdict
    assert verdict is Verdict.NOT_ENOUGH_DATA


@pytest.mark.parametrize(("detector", "draw"), CASES[:-1], ids=[k.name for k, _ in CASES[:-1]])
def test_a_million_rows_that_differ_by_a_thousandth_are_stable(detector, draw):
    generator = np.random.default_rng(2)
    reference = detector.fit(draw(generator, BIG, 0))
    result = detector.test(reference, draw(generator, BIG, 0.001))
    assert result.verdict is Verdict.STABLE
    assert result.effect.value < 0.01


def test_a_thousandth_is_significant_in_a_million_rows_all_the_same():
    # So it is the effect that keeps it from being drift.
    generator = np.random.default_rng(3)
    reference = MissingValues().fit(empty(generator, BIG, 0))
    result = MissingValues().test(reference, empty(generator, BIG, 0.002))
    assert result.p_value < result.threshold
    assert result.verdict is Verdict.STABLE

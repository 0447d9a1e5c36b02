"""Without drift a detector alarms as often as it says, whatever the data look like."""

import numpy as np
import pytest
from scipy import stats

from kanaria.serving.drift.table_columns import from_matrix
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

WINDOWS = 400
ALPHA = 0.05
NULLS = {
    "normal": (KolmogorovSmirnov, lambda g, n: g.normal(size=(n, 3))),
    "heavy tails": (CramerVonMises, lambda g, n: g.standard_cauchy((n, 3))),
    "skewed": (KolmogorovSmirnov, lambda g, n: g.lognormal(size=(n, 5))),
    "two modes": (CramerVonMises, lambda g, n: g.normal(g.choice([-3, 3], (n, 1)), 1, (n, 1))),
    "correlated": (Table, lambda g, n: g.normal(size=(n, 1)) + 0.5 * g.normal(size=(n, 4))),
    "categories": (
        ChiSquared,
        lambda g, n: g.choice(6, (n, 3), p=[0.4, 0.3, 0.1, 0.1, 0.06, 0.04]),
    ),
    "two categories": (ChiSquared, lambda g, n: g.integers(0, 2, (n, 2))),
    "ones": (FisherExact, lambda g, n: g.binomial(1, 0.2, (n, 3))),
    "rounded": (KolmogorovSmirnov, lambda g, n: np.round(g.normal(size=(n, 3)))),
    "rounded, mean difference": (CramerVonMises, lambda g, n: np.round(g.normal(size=(n, 3)))),
}
CONTINUOUS = ("normal", "heavy tails", "skewed", "two modes")


def alarms(name: str) -> int:
    kind, draw = NULLS[name]
    generator = np.random.default_rng(20)
    detector = kind(alpha=ALPHA, least=0)
    count = 0
    for _ in range(WINDOWS):
        reference = detector.fit(from_matrix(draw(generator, 500)))
        count += detector.test(reference, from_matrix(draw(generator, 200))).drifted
    return count


@pytest.mark.parametrize("name", NULLS)
def test_false_alarms_stay_within_the_promise(name):
    highest = stats.binom.ppf(0.999, WINDOWS, ALPHA)
    assert alarms(name) <= highest


@pytest.mark.parametrize("name", CONTINUOUS)
def test_on_continuous_data_the_promise_is_used_up(name):
    # Bonferroni over independent features keeps nearly all of it: 1 - (1 - 0.05 / 3) ** 3 = 4.9 %.
    lowest = stats.binom.ppf(0.001, WINDOWS, 0.8 * ALPHA)
    assert alarms(name) >= lowest

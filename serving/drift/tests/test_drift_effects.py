"""The interval of every effect holds the true value in at least 95 % of windows.

The true values are known in closed form, or from the distributions themselves.
"""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from kanaria.serving.drift.univariate import jensen_shannon, population_stability
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

WINDOWS = 150
LEAST_HELD = stats.binom.ppf(0.001, WINDOWS, 0.95)
SIZES = [(400, 200), (2000, 100), (60, 60)]
sizes = pytest.mark.parametrize("sizes", SIZES, ids=str)


def held(detector, draw, rows, truth):
    """Return in how many windows the interval holds `truth`."""
    generator = np.random.default_rng([5, *rows])
    count = 0
    for _ in range(WINDOWS):
        reference = detector.fit({"x": draw(generator, rows[0], False)})
        effect = detector.test(reference, {"x": draw(generator, rows[1], True)}).effect
        count += effect.low <= truth <= effect.high
    return count


def normal(generator, rows, is_window, shift):
    return generator.normal(shift * is_window, size=rows)


def kinds(generator, rows, is_window, shares):
    return generator.choice(len(shares[0]), rows, p=shares[int(is_window)])


@sizes
@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_the_largest_difference_of_distributions(sizes, shift):
    truth = 2 * stats.norm.cdf(shift / 2) - 1
    count = held(KolmogorovSmirnov(), partial(normal, shift=shift), sizes, truth)
    assert count >= LEAST_HELD


SHARES = {
    "the same": ([0.5, 0.3, 0.2], [0.5, 0.3, 0.2]),
    "other shares": ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]),
    "many kinds": (np.full(30, 1 / 30), np.arange(1, 31) / 465),
    "a new kind": ([0.6, 0.4, 0.0], [0.5, 0.3, 0.2]),
}


@sizes
@pytest.mark.parametrize("case", SHARES)
def test_the_total_variation(sizes, case):
    shares = tuple(np.asarray(side, dtype=float) for side in SHARES[case])
    truth = np.abs(shares[0] - shares[1]).sum() / 2
    assert held(ChiSquared(), partial(kinds, shares=shares), sizes, truth) >= LEAST_HELD


@sizes
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.3), (0.02, 0.02), (0.02, 0.1), (0.5, 0.9)])
def test_the_difference_of_shares(sizes, before, after):
    shares = ([1 - before, before], [1 - after, after])
    # Newcombe's interval is an approximation: with few ones it may fall short by a little.
    shortest = stats.binom.ppf(0.001, WINDOWS, 0.94)
    assert held(FisherExact(), partial(kinds, shares=shares), sizes, after - before) >= shortest


@pytest.mark.parametrize("case", ["the same", "other shares", "many kinds"])
@pytest.mark.parametrize("kind", [JensenShannon, PopulationStability], ids=lambda k: k.__name__)
def test_the_distances_over_categories(case, kind):
    measure = {
        JensenShannon: jensen_shannon.distance,
        PopulationStability: population_stability.index,
    }
    shares = tuple(np.asarray(side, dtype=float) for side in SHARES[case])
    truth = float(measure[kind](*(share * 1e9 for share in shares), np.empty(0)))

    # Few permutations are enough, as only the effect is looked at.
    detector = kind(alpha=0.5, categorical=("x",))
    assert held(detector, partial(kinds, shares=shares), (400, 200), truth) >= LEAST_HELD


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_the_distance_moved(shift):
    # The middle 80 % of both samples together, over its span for one of them: the unit.
    def spread(x):
        return (2 * stats.norm.cdf(x) + stats.norm.cdf(x - shift)) / 3

    grid = np.linspace(-6, 8, 20_001)
    unit = np.ptp(np.interp([0.1, 0.9], spread(grid), grid)) / 2.563103
    inside = (spread(grid) > 0.01) & (spread(grid) < 0.99)
    between = (stats.norm.cdf(grid) - stats.norm.cdf(grid - shift))[inside]
    truth = between.sum() * (grid[1] - grid[0]) / unit
    detector = Wasserstein(alpha=0.5)
    assert held(detector, partial(normal, shift=shift), (400, 200), truth) >= LEAST_HELD

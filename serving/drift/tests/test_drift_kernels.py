"""Kernels, sums over pairs and penalties agree with their definitions, written out naively."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kanaria.serving.drift.multivariate import (
    kernels,
    maximum_mean_discrepancy_fourier,
    permutation_tests,
)
from kanaria.serving.drift.multivariate import least_squares_density_difference as density
from kanaria.serving.drift.multivariate import maximum_mean_discrepancy as discrepancy

coarse = st.integers(-3, 3).map(float)
points = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=coarse
)


def naive_kernel(first, second, sigmas):
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=2)
    return np.mean([np.exp(-squared / (2 * sigma**2)) for sigma in sigmas], axis=0)


def naive_squared_discrepancy(old, new, sigmas):
    def inside(rows):
        kernel = naive_kernel(rows, rows, sigmas)
        return kernel[~np.eye(len(rows), dtype=bool)].mean()

    return inside(old) + inside(new) - 2 * naive_kernel(old, new, sigmas).mean()


@given(points=points)
def test_the_bandwidth_is_the_lower_median_of_the_pairs_that_differ(points):
    upper = np.triu_indices(len(points), k=1)
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)[upper]
    differing = np.sort(squared[squared > 0])
    expected = np.sqrt(differing[(len(differing) - 1) // 2] / 2) if len(differing) else 1.0
    assert kernels.median_bandwidth(points) == pytest.approx(expected, rel=1e-6)


def test_the_bandwidth_of_many_rows_needs_several_blocks():
    rows = np.random.default_rng(1).normal(size=(3 * kernels.BLOCK // 2, 2))
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)[np.triu_indices(len(rows), k=1)]
    middle = np.partition(squared, (len(squared) - 1) // 2)[(len(squared) - 1) // 2]
    assert kernels.median_bandwidth(rows) == pytest.approx(np.sqrt(middle / 2), rel=1e-6)


@given(first=points, sigmas=st.lists(st.floats(0.1, 10), min_size=1, max_size=3))
def test_the_kernel_is_the_mean_over_its_bandwidths(first, sigmas):
    expected = naive_kernel(first, first + 0.5, sigmas)
    np.testing.assert_allclose(kernels.gaussian(first, first + 0.5, sigmas), expected, atol=1e-6)


def test_rows_far_from_the_origin_and_from_each_other_are_no_trouble():
    first = np.array([[1e6], [1e6 + 1], [1e100]])
    expected = [[1.0, np.exp(-0.5), 0.0]]
    np.testing.assert_allclose(kernels.gaussian(first[:1], first, [1.0]), expected, atol=1e-3)


@pytest.mark.parametrize("rows", [(2, 2), (30, 7), (kernels.BLOCK, 90)])
def test_every_deal_has_the_discrepancy_of_its_rows(rows):
    generator = np.random.default_rng(2)
    both = np.concatenate(
        [generator.normal(size=(rows[0], 2)), generator.normal(1, 1, (rows[1], 2))]
    )
    window = permutation_tests.dealt(
        rows[0], both[rows[0] :], permutation_tests.Settings(permutations=20)
    )
    sums = discrepancy.pair_sums(both, (0.5, 2.0), window)
    discrepancies = discrepancy.squared_discrepancies(sums, rows)
    for deal in (0, 1, 20):
        chosen = window[:, deal] == 1
        expected = naive_squared_discrepancy(both[~chosen], both[chosen], (0.5, 2.0))
        assert discrepancies[deal] == pytest.approx(expected, abs=1e-6)


def test_deals_have_the_windows_size_and_the_first_is_as_observed():
    window = permutation_tests.dealt(5, np.zeros((3, 1)), permutation_tests.Settings())
    np.testing.assert_array_equal(window[:, 0], [0, 0, 0, 0, 0, 1, 1, 1])
    assert set(window.sum(axis=0)) == {3}
    assert len(np.unique(window, axis=1).T) > 30  # of 56 that there are


def test_many_frequencies_come_near_the_exact_discrepancy():
    generator = np.random.default_rng(3)
    both = np.concatenate([generator.normal(size=(200, 3)), generator.normal(0.5, 1, (100, 3))])
    window = permutation_tests.dealt(200, both[200:], permutation_tests.Settings(permutations=20))
    frequencies = generator.normal(size=(3, 5_000))
    approximate = maximum_mean_discrepancy_fourier.pair_sums(both, frequencies, window)
    exact = discrepancy.pair_sums(both, (1.0,), window)
    discrepancies, expected = (
        discrepancy.squared_discrepancies(sums, (200, 100)) for sums in (approximate, exact)
    )
    np.testing.assert_allclose(discrepancies, expected, atol=5e-3)


def test_density_differences_are_those_of_the_fitted_model():
    generator = np.random.default_rng(4)
    centres, old, new = (generator.normal(shift, 1, (20, 2)) for shift in (0, 0, 1))
    overlap = naive_kernel(centres, centres, [np.sqrt(2)])
    settings = density.LeastSquaresDensityDifference(most_change=0.2, permutations=20)
    statistic = density.tested(settings, centres, old, new, (1.0,)).statistic

    off = naive_kernel(old, centres, [1.0]).mean(axis=0) - naive_kernel(new, centres, [1.0]).mean(0)
    estimates = []
    for penalty in density.PENALTIES:
        weights = np.linalg.solve(overlap + penalty * np.eye(20), off)
        estimates.append(2 * off @ weights - weights @ overlap @ weights)
    assert min(abs(np.array(estimates) - statistic)) < 1e-6
    # The largest penalty changes this estimate by half.
    assert abs(estimates[0] - statistic) > 1e-2


def test_a_stricter_limit_lowers_the_penalty():
    generator = np.random.default_rng(5)
    values, permuted = np.geomspace(1e-3, 5, 8), generator.normal(size=(30, 8))
    strict, lax = (density.penalised(values, permuted, most) for most in (0.01, 0.5))
    assert (strict > lax).all()


def test_settings_are_refused_all_at_once():
    with pytest.raises(Exception, match=r"alpha.*least.*sigma.*seed.*centres"):
        density.LeastSquaresDensityDifference(
            alpha=0, least=2, sigma=(0.0,), seed=-1, centres=0, most_change=0.2
        )
    with pytest.raises(Exception, match="use 200 or more"):
        permutation_tests.Settings(alpha=0.005)

"""MMDDrift and LSDDDrift beside ours: the same statistic, and p-values that differ by chance alone.

LSDDDrift draws its centres anew whenever it is made, so the test hands them to ours.
"""

import dataclasses
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow
from alibi_detect.cd import LSDDDrift, MMDDrift
from alibi_detect.saving import save_detector
from scipy import stats

from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.multivariate import least_squares_density_difference as density
from kanaria.serving.drift.table_columns import from_matrix

SIZES = ((60, 40), (300, 100))
SHIFTS = (0.0, 0.3)
PERMUTATIONS = 100
MANY = 2000
CERTAIN = 1 - 1e-4
DISCREPANCIES = {
    "median": {},
    "given": {"sigma": np.array([1.5], "float32")},
    "several": {"sigma": np.array([0.5, 1.0, 4.0], "float32"), "p_val": 0.1},
}
DIFFERENCES = {
    "median": {},
    "given": {"sigma": np.array([1.2], "float32"), "n_kernel_centers": 10},
    "several": {"sigma": np.array([0.7, 2.0], "float32"), "lambda_rd_max": 0.1},
}


def cases(kind, settings):
    return [
        pytest.param(partial(kind, **options), sizes, shift, id=f"{name}-{sizes[0]}-{shift}")
        for (name, options), sizes, shift in itertools.product(settings.items(), SIZES, SHIFTS)
    ]


def drawn(sizes, shift):
    generator = np.random.default_rng([*sizes, int(10 * shift)])
    scales = np.array([1.0, 0.5, 2.0, 1.0])
    rows = (
        generator.normal(5.0, scales, (sizes[0], 4)),
        generator.normal(5.0 + shift, scales, (sizes[1], 4)),
    )
    np.random.seed(sizes[0])
    tensorflow.random.set_seed(sizes[0])
    return (part.astype("float32") for part in rows)


def assert_by_chance(estimates, exact):
    """All of the p-values, each of as many permutations, are estimates of the exact one."""
    fewest, most = stats.binom.interval(CERTAIN, PERMUTATIONS, exact)
    for estimate in estimates:
        assert fewest - 1 <= estimate * PERMUTATIONS <= most + 1


@pytest.mark.parametrize(("make", "sizes", "shift"), cases(MMDDrift, DISCREPANCIES))
def test_mean_discrepancies_agree(make, sizes, shift, tmp_path: Path):
    rows, window = drawn(sizes, shift)
    theirs = make(rows)
    save_detector(theirs, tmp_path / "saved")
    expected = theirs.predict(window)["data"]

    detector, reference = artefact.load(tmp_path / "saved")
    assert detector.alpha == pytest.approx(theirs.predict(window)["data"]["threshold"])
    result = detector.test(reference, from_matrix(window))
    assert result.statistic == pytest.approx(expected["distance"], abs=1e-6)
    precise = dataclasses.replace(detector, permutations=MANY, seed=1)
    exact = precise.test(reference, from_matrix(window)).p_value
    assert_by_chance((expected["p_val"], result.p_value), exact)


def with_their_centres(theirs, detector, reference, window):
    """Return our test with the centres that their detector has drawn."""
    space = reference.standardised
    centres = theirs.kernel_centers.numpy()
    places = [np.abs(space.points - centre).sum(axis=1).argmin() for centre in centres]
    assert len(set(places)) == len(centres)
    rest = np.delete(space.points, places, axis=0)
    sigmas = detector.sigma or (space.bandwidth,)
    return density.tested(detector, space.points[places], rest, space.placed(window), sigmas)


def back_end(theirs):
    """Return what of their detector has the centres that it drew, which no method tells."""
    return theirs._detector  # noqa: SLF001


@pytest.mark.parametrize(("make", "sizes", "shift"), cases(LSDDDrift, DIFFERENCES))
def test_density_differences_agree(make, sizes, shift, tmp_path: Path):
    rows, window = drawn(sizes, shift)
    theirs = make(rows)
    save_detector(theirs, tmp_path / "saved")
    detector, reference = artefact.load(tmp_path / "saved")
    assert len(back_end(theirs).kernel_centers) == (detector.centres or sizes[0] // 20)

    expected = theirs.predict(window)["data"]
    result = with_their_centres(back_end(theirs), detector, reference, window)
    assert result.statistic == pytest.approx(expected["distance"], abs=1e-6)
    precise = dataclasses.replace(detector, permutations=MANY, seed=1)
    exact = with_their_centres(back_end(theirs), precise, reference, window).p_value
    assert_by_chance((expected["p_val"], result.p_value), exact)


def test_density_differences_of_columns_of_any_unit_agree():
    # LSDDDrift scales by itself, so columns of any unit go there as they are. Without a shift this
    # draw stands where the choice of the penalty tips over by a change of 1e-6, there as here.
    rows, window = drawn(SIZES[1], 0.1)
    unit = np.array([1.0, 100.0, 1.0, 1e-3], "float32")
    detector = density.LeastSquaresDensityDifference()
    reference = detector.fit(from_matrix(rows * unit))
    theirs = LSDDDrift(rows * unit, backend="tensorflow")
    expected = theirs.predict(window * unit)["data"]["distance"]
    result = with_their_centres(back_end(theirs), detector, reference, window * unit)
    assert result.statistic == pytest.approx(expected, abs=1e-6)

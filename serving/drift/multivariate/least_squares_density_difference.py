"""Least-squares density difference: the integral of the squared difference of two densities.

The difference is fitted directly, as a sum of Gaussian bumps at some reference rows, the centres
(Sugiyama et al. 2013); those rows are not tested. Its penalty is the largest of a few that changes
the estimate by less than a given share (Bu et al. 2017, equations 7 to 11 and appendix A). Features
are standardised by the reference. Time grows with the rows times the centres.

As in alibi-detect the statistic is the integral times (pi sigma^2)^(d/2), which would be too small
for a number where features are many.
"""

import math
from dataclasses import dataclass

import numpy as np

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Columns, Effect, Floats, Result
from kanaria.serving.drift.multivariate import kernels, permutation_tests
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.univariate import feature_tests

MEASURE = "relative density difference"
PENALTIES = 0.25 ** np.arange(10)
ROWS_A_CENTRE = 20
RESAMPLES = 200
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastSquaresDensityDifference(permutation_tests.Settings):
    """Tests all numeric features together.

    The effect is the root of the integral's share of its largest value, the sum of the integrals
    of both squared densities, less what chance alone makes of it: 0 for equal densities, 1 for
    densities that do not overlap.

    Attributes:
        centres: reference rows that serve as centres; none: a twentieth of the reference.
        most_change: by the penalty, of an estimate, as a share above 0.
    """

    least: float = 0.1
    centres: int | None = None
    most_change: float = 0.2

    def _check(self, faults: Faults) -> None:
        super(LeastSquaresDensityDifference, self)._check(faults)
        some = self.centres is None or self.centres >= 1
        faults.check(some, "centres", self.centres, "use 1 or more, or none")
        faults.check(self.most_change > 0, "most_change", self.most_change, "use above 0")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "least_squares_density_difference"

    def fit(self, rows: Columns) -> RowsReference:
        """Return the reference of `rows`."""
        return RowsReference.of(rows)

    def test(self, reference: RowsReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        values, count = reference.whole(window)
        space = reference.standardised
        chosen = self.centres or max(1, len(space.points) // ROWS_A_CENTRE)
        rows = (max(0, len(space.points) - chosen), len(values))
        test = feature_tests.untested("", rows, MEASURE, self.least)
        if min(rows) >= permutation_tests.FEWEST:
            order = np.random.default_rng([self.seed, 1]).permutation(len(space.points))
            centres, old = space.points[order[:chosen]], space.points[order[chosen:]]
            sigmas = self.sigma or (space.bandwidth,)
            test = tested(self, centres, old, space.placed(values), sigmas)
        return permutation_tests.result(self.name, self, test, (reference.rows, count))


def tested(
    settings: LeastSquaresDensityDifference,
    centres: Floats,
    old: Floats,
    new: Floats,
    sigmas: tuple[float, ...],
) -> feature_tests.FeatureTest:
    """Return the test of rows `new` against rows `old` with these centres and bandwidths."""
    rows = (len(old), len(new))
    bumps = kernels.gaussian(np.concatenate([old, new]), centres, sigmas)
    # The integral of the product of two bumps is a bump of sqrt(2) times the width.
    overlap = kernels.gaussian(centres, centres, [math.sqrt(2) * sigma for sigma in sigmas])
    values, vectors = np.linalg.eigh(overlap.astype(np.float64))
    deals = permutation_tests.dealt(len(old), new, settings)
    means = _means(bumps, deals, rows) @ vectors
    permuted = means[0, 1:] - means[1, 1:]
    weights = penalised(np.maximum(values, 0.0), permuted, settings.most_change)
    differences = _length(means[0] - means[1], weights)
    largest = float(_length(means[:, 0], weights).sum())
    chance = float(differences[1:].mean())
    off = _resampled(bumps, rows, settings.seed) @ vectors
    margin = float(np.quantile(np.sqrt(_length(off, weights)), 0.95))
    effect = _effect(float(differences[0]), chance, margin, largest, settings.least)
    least = settings.least**2 * largest + chance
    return permutation_tests.test_of_all(differences, effect, least, rows, ROUNDING)


def _means(bumps: Floats, deals: Floats, rows: tuple[int, int]) -> Floats:
    """Return the mean bumps of reference and window in each deal: (2, deals, centres)."""
    new = (deals.T @ bumps).astype(np.float64)
    both = bumps.sum(axis=0, dtype=np.float64)
    return np.stack([(both - new) / rows[0], new / rows[1]])


def penalised(values: Floats, permuted: Floats, most_change: float) -> Floats:
    """Return the weight of each squared coordinate along the overlap's eigenvectors.

    Args:
        values: of the eigenvectors, (centres,).
        permuted: differences of means along the eigenvectors, (permutations, centres).
        most_change: of an estimate by the penalty, on average over the permutations.
    """
    for penalty in PENALTIES:
        fitted = (permuted**2 / (values + penalty)).sum(axis=1)
        squared = (permuted**2 * values / (values + penalty) ** 2).sum(axis=1)
        # Where all rows are the same nothing differs, and nothing changes.
        ratios = np.divide(squared, fitted, out=np.ones_like(fitted), where=fitted > 0)
        if np.mean(1 - ratios) < most_change:
            break
    weights: Floats = (values + 2 * penalty) / (values + penalty) ** 2
    return weights


def _length(coordinates: Floats, weights: Floats) -> Floats:
    length: Floats = (coordinates**2 * weights).sum(axis=-1)
    return length


def _resampled(bumps: Floats, rows: tuple[int, int], seed: int) -> Floats:
    """Return how far the difference of means is off in bootstrap samples, (samples, centres)."""
    generator = np.random.default_rng([seed, 2])
    off = 0.0
    for count, part in zip(rows, (bumps[: rows[0]], bumps[rows[0] :]), strict=True):
        drawn = generator.multinomial(count, np.full(count, 1 / count), RESAMPLES) - 1
        off = off + drawn.astype(np.float32) @ part / count
    return np.asarray(off, dtype=np.float64)


def _effect(squared: float, chance: float, margin: float, largest: float, least: float) -> Effect:
    """Return the effect; its interval is the estimate's root give or take its bootstrap error."""
    value, middle = math.sqrt(max(0.0, squared - chance)), math.sqrt(squared)
    low, high = max(0.0, min(value, middle - margin)), max(value, middle + margin)
    unit = math.sqrt(largest) or 1.0
    low, value, high = (min(1.0, end / unit) for end in (low, value, high))
    return Effect(name=MEASURE, value=value, low=low, high=high, least=least)

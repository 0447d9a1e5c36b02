"""Maximum mean discrepancy with a Gaussian kernel: any difference of all features together.

Rows that are alike have a kernel near 1. The squared discrepancy is the mean kernel inside the
reference plus that inside the window, less twice the mean kernel between them, each pair of
different rows counted once (the unbiased estimate of Gretton et al. 2012, lemma 6). It is zero only
for equal distributions, so it also sees features that vary together otherwise than before.

All permutations are one product of the kernel matrix with the deals, taken block by block, so
memory stays small. Time grows with the square of the rows: 10,000 and a window of 1,000 take half a
second on a core; `maximum_mean_discrepancy_fourier` grows with the rows alone, and sees less.

Scale and bandwidth come from the reference, as in alibi-detect. Strictly, a permutation test wants
them from both samples; a reference no smaller than a few dozen rows makes no difference.
"""

import abc
import math
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Effect, Floats, Result
from kanaria.serving.drift.effect_sizes import EACH_SIDE
from kanaria.serving.drift.multivariate import kernels, permutation_tests
from kanaria.serving.drift.references.rows_reference import RowsReference, Space
from kanaria.serving.drift.univariate import feature_tests

MEASURE = "mean discrepancy"
ROUNDING = 1e-7
"""Of a squared discrepancy taken from float32 kernels."""
LARGEST = math.sqrt(2)
"""Of a discrepancy, and of the distance of two rows, where kernels lie between 0 and 1."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairSums:
    """Sums of the kernel over ordered pairs of different rows, for each deal.

    Attributes:
        within: both rows are the window's, (deals,).
        touching: the first row is the window's, (deals,).
        total: over all pairs.
    """

    within: Floats
    touching: Floats
    total: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy(permutation_tests.Settings, abc.ABC):
    """What both forms of the test share: all but how the kernel is summed.

    Attributes:
        scaled: whether each feature is divided by its standard deviation in the reference. Without
            it the feature with the largest numbers decides alone.
    """

    scaled: bool = True

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name of the detector."""

    @property
    @abc.abstractmethod
    def spread(self) -> float:
        """The largest distance of two rows in feature space."""

    @abc.abstractmethod
    def sums(self, points: Floats, sigmas: tuple[float, ...], deals: Floats) -> PairSums:
        """Return the sums of the kernel between rows, for each deal.

        Args:
            points: (all rows, features), those of the reference first.
            sigmas: bandwidths.
            deals: (all rows, deals), 1 for a row of the window.
        """

    def fit(self, rows: Columns) -> RowsReference:
        """Return the reference of `rows`."""
        return RowsReference.of(rows)

    def test(self, reference: RowsReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        values, count = reference.whole(window)
        space = self.space(reference)
        rows = (len(space.points), len(values))
        test = feature_tests.untested("", rows, MEASURE, self.least)
        if min(rows) >= permutation_tests.FEWEST:
            deals = permutation_tests.dealt(len(space.points), values, self)
            points = np.concatenate([space.points, space.placed(values)])
            test = _tested(
                self.sums(points, self.bandwidths(space), deals), rows, self.least, self.spread
            )
        return permutation_tests.result(self.name, self, test, (reference.rows, count))

    def space(self, reference: RowsReference) -> Space:
        """Return where distances are taken."""
        return reference.standardised if self.scaled else reference.plain

    def bandwidths(self, space: Space) -> tuple[float, ...]:
        """Return the given bandwidths, or the median heuristic's."""
        return self.sigma or (space.bandwidth,)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaximumMeanDiscrepancy(Discrepancy):
    """Tests all numeric features together; the effect is the discrepancy over its largest value.

    An effect of 0.05 is a shift of a sixth of a standard deviation in a single feature, or
    of half of one in one of eighteen.
    """

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "maximum_mean_discrepancy"

    @property
    def spread(self) -> float:
        """Kernels lie between 0 and 1."""
        return LARGEST

    def sums(self, points: Floats, sigmas: tuple[float, ...], deals: Floats) -> PairSums:
        """Return the sums of the kernel itself."""
        return pair_sums(points, sigmas, deals)


def pair_sums(points: Floats, sigmas: tuple[float, ...], deals: Floats) -> PairSums:
    """Return the sums of the kernel between `points`, for the deals in the columns of `deals`."""
    within = np.zeros(deals.shape[1])
    by_row = np.zeros(len(points))
    parts = kernels.blocks(len(points))
    for number, first in enumerate(parts):
        for second in parts[number:]:
            kernel = kernels.gaussian(points[first], points[second], sigmas)
            if first == second:
                np.fill_diagonal(kernel, 0)
            # The matrix is symmetric: a block off the diagonal counts for its mirror image too.
            twice = 1 if first == second else 2
            within += twice * np.einsum("ij,ij->j", deals[first], kernel @ deals[second])
            by_row[first] += kernel.sum(axis=1)
            if first != second:
                by_row[second] += kernel.sum(axis=0)
    return PairSums(within=within, touching=by_row @ deals, total=float(by_row.sum()))


def _tested(
    sums: PairSums, rows: tuple[int, int], least: float, spread: float
) -> feature_tests.FeatureTest:
    squared = squared_discrepancies(sums, rows)
    biased = float(squared_discrepancies(sums, rows, diagonal=1)[0])
    effect = discrepancy(float(squared[0]), biased, rows, least, spread)
    return permutation_tests.test_of_all(squared, effect, (LARGEST * least) ** 2, rows, ROUNDING)


def squared_discrepancies(sums: PairSums, rows: tuple[int, int], diagonal: int = 0) -> Floats:
    """Return the squared discrepancies; with `diagonal` 1 each row is paired with itself too."""
    old, new = rows
    across = sums.touching - sums.within
    rest = sums.total - 2 * across - sums.within
    squared: Floats = (
        (rest + diagonal * old) / (old * (old - 1 + diagonal))
        + (sums.within + diagonal * new) / (new * (new - 1 + diagonal))
        - 2 * across / (old * new)
    )
    return squared


def discrepancy(
    squared: float, biased: float, rows: tuple[int, int], least: float, spread: float
) -> Effect:
    """Return the discrepancy over its largest value, with an interval that holds for any data.

    A sample's mean in feature space is off by 1 / sqrt(rows) on average at most, and by McDiarmid's
    inequality seldom by much more, as in theorem 7 of Gretton et al. 2012. There two rows are at
    most 2 apart in feature space; `spread` is that distance for the kernel at hand.
    """
    value = math.sqrt(max(0.0, squared))
    middle = math.sqrt(max(0.0, biased))
    each = 1 + spread * math.sqrt(-math.log(EACH_SIDE) / 2)
    margin = sum(each / math.sqrt(count) for count in rows)
    low, high = max(0.0, min(value, middle - margin)), max(value, middle + margin)
    low, value, high = (min(1.0, end / LARGEST) for end in (low, value, high))
    return Effect(name=MEASURE, value=value, low=low, high=high, least=least)

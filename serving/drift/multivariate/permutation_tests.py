"""What tests of all features together share: their settings, permutations, and one result.

Such a test asks how often chance alone makes a difference as large as the one seen: rows of
reference and window are dealt anew at random, and the statistic is taken each time. Counting the
rows as observed among the deals makes the p-value valid (Phipson and Smyth 2010).
"""

import zlib
from dataclasses import dataclass

import numpy as np

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Effect, Floats, Result
from kanaria.serving.drift.detector_settings import Checked
from kanaria.serving.drift.univariate import feature_tests

FEWEST = 2
"""Rows that each side needs before anything is tested."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(Checked):
    """What all permutation tests can be told.

    Attributes:
        alpha: chance of a false alarm per window, above 0 and below 1.
        least: smallest effect that matters, from 0 to 1.
        sigma: bandwidths of the kernel, which is averaged over them; none: the median heuristic
            of the reference rows.
        permutations: at least so many that a p-value can fall below `alpha`.
        seed: of all that is drawn: equal seeds and rows give equal results.
    """

    alpha: float = 0.05
    least: float = 0.05
    sigma: tuple[float, ...] = ()
    permutations: int = 100
    seed: int = 0

    def _check(self, faults: Faults) -> None:
        alpha = self.alpha if 0 < self.alpha < 1 else 0.5
        faults.check(0 < self.alpha < 1, "alpha", self.alpha, "use above 0 and below 1")
        faults.check(0 <= self.least <= 1, "least", self.least, "use 0 to 1")
        positive = all(sigma > 0 for sigma in self.sigma)
        faults.check(positive, "sigma", self.sigma, "use bandwidths above 0")
        fewest = int(1 / alpha)
        enough = self.permutations >= fewest
        faults.check(enough, "permutations", self.permutations, f"use {fewest} or more")
        faults.check(self.seed >= 0, "seed", self.seed, "use 0 or more")


def dealt(reference: int, window: Floats, settings: Settings) -> Floats:
    """Return which rows are the window's in each deal: (all rows, 1 + permutations) of 0 and 1.

    Args:
        reference: number of its rows, which come before the window's in the first deal.
        window: its rows. They take part in the seed: with the same deals for every window, the
            false alarms of one seed would stay above the promise, and those of another below.
        settings: how many deals, and the seed.
    """
    digest = zlib.crc32(np.ascontiguousarray(window).tobytes())
    generator = np.random.default_rng([settings.seed, digest])
    both = reference + len(window)
    deals = np.zeros((both, 1 + settings.permutations), dtype=np.float32)
    deals[reference:, 0] = 1
    for deal in range(1, deals.shape[1]):
        deals[generator.choice(both, len(window), replace=False, shuffle=False), deal] = 1
    return deals


def share_reaching(value: float, permuted: Floats, rounding: float) -> float:
    """Return the p-value of `value` among permuted statistics, which rounding may have lowered."""
    return float((1 + (permuted >= value - rounding).sum()) / (1 + len(permuted)))


def test_of_all(
    statistics: Floats, effect: Effect, least: float, rows: tuple[int, int], rounding: float
) -> feature_tests.FeatureTest:
    """Return the test of all features together.

    Args:
        statistics: the observed one, then those of the permutations.
        effect: the size of the difference.
        least: the statistic that an effect of the least size would have.
        rows: whole ones, of reference and window.
        rounding: of a statistic.
    """
    return feature_tests.FeatureTest(
        feature="",
        statistic=float(statistics[0]),
        p_value=share_reaching(float(statistics[0]), statistics[1:], rounding),
        effect=effect,
        rows=rows,
        significant_least=share_reaching(least, statistics[1:], rounding),
    )


def result(
    detector: str, settings: Settings, test: feature_tests.FeatureTest, rows: tuple[int, int]
) -> Result:
    """Return the result of a window; `rows` are all those of reference and window."""
    alone = feature_tests.Settings(alpha=settings.alpha, least=settings.least)
    return feature_tests.result(detector, alone, [test], rows)

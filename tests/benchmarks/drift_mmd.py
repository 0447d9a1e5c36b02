"""Tests of all features together: milliseconds a window, and what random features fail to see.

Usage: drift_mmd.py [WINDOWS] [SEED]   200 windows a cell of the power table and seed 1 by default.

Give it one core (OPENBLAS_NUM_THREADS=1). Times are of the processor, the median of five windows
of 1,000 rows against references of 1,000 and 10,000, 18 features, 100 permutations. Power is the
share of windows of 200 rows, against 1,000, that alarm at 5 %; the Monte Carlo standard error of
200 windows is at most 3.5 points.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from kanaria.serving.drift.detector import Columns, Detector, Floats
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.table_columns import from_matrix

Draw = Callable[[np.random.Generator, int], Floats]
FOURIER = {
    f"{count} frequencies": FourierMaximumMeanDiscrepancy(frequencies=count, least=0)
    for count in (16, 64, 256, 1024)
}
DETECTORS: Mapping[str, Detector[Any]] = {
    "exact": MaximumMeanDiscrepancy(least=0),
    **FOURIER,
    "density difference": LeastSquaresDensityDifference(least=0),
}


def shifted(features: int, by: float) -> Draw:
    """Return how to draw normal rows, all features of which moved `by` deviations."""
    return lambda generator, rows: generator.normal(by, 1, (rows, features))


def one_shifted(features: int, by: float) -> Draw:
    """Return how to draw normal rows, one feature of which moved."""
    where = by * (np.arange(features) == 0)
    return lambda generator, rows: generator.normal(size=(rows, features)) + where


def correlated(features: int, correlation: float) -> Draw:
    """Return how to draw normal rows whose features share one cause."""

    def draw(generator: np.random.Generator, rows: int) -> Floats:
        common = generator.normal(size=(rows, 1))
        own = generator.normal(size=(rows, features))
        mixed: Floats = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
        return mixed

    return draw


def wider(features: int, factor: float) -> Draw:
    """Return how to draw normal rows that vary more."""
    return lambda generator, rows: generator.normal(0, factor, (rows, features))


SHIFTS: Mapping[str, tuple[int, Draw]] = {
    "2 features, none": (2, shifted(2, 0)),
    "2 features, all by 0.2": (2, shifted(2, 0.2)),
    "2 features, correlation 0.4": (2, correlated(2, 0.4)),
    "2 features, 1.2 x as wide": (2, wider(2, 1.2)),
    "18 features, none": (18, shifted(18, 0)),
    "18 features, all by 0.08": (18, shifted(18, 0.08)),
    "18 features, one by 0.4": (18, one_shifted(18, 0.4)),
    "18 features, correlation 0.1": (18, correlated(18, 0.1)),
    "18 features, 1.05 x as wide": (18, wider(18, 1.05)),
}


def seconds(work: Callable[[], object]) -> float:
    """Return processor seconds of `work`."""
    start = time.process_time()
    work()
    return time.process_time() - start


def costs(
    detector: Detector[Any], rows: Columns, windows: Sequence[Columns]
) -> tuple[float, float]:
    """Return processor seconds that a reference costs once, and that a window costs."""
    reference = detector.fit(rows)
    once = seconds(lambda: reference.standardised.bandwidth)
    each = [seconds(partial(detector.test, reference, window)) for window in windows]
    return once, statistics.median(each)


def times(generator: np.random.Generator) -> None:
    """Print what references of two sizes cost."""
    import scipy.spatial.distance  # noqa: F401 - loaded before time is taken

    windows = [from_matrix(generator.normal(size=(1_000, 18))) for _ in range(5)]
    for count in (1_000, 10_000):
        rows = from_matrix(generator.normal(size=(count, 18)))
        for name, detector in DETECTORS.items():
            once, each = costs(detector, rows, windows)
            sys.stdout.write(
                f"  {count:6} rows  {name:18}  once {once:6.3f} s  a window {1000 * each:7.1f} ms\n"
            )


def power(count: int, seed: int) -> None:
    """Print the share of windows that alarm."""
    sys.stdout.write(f"  {'':30}" + "".join(f"{name:>19}" for name in DETECTORS) + "\n")
    for title, (features, draw) in SHIFTS.items():
        sys.stdout.write(f"  {title:30}")
        for detector in DETECTORS.values():
            generator = np.random.default_rng(seed)
            alarms = 0
            for _ in range(count):
                reference = detector.fit(from_matrix(generator.normal(size=(1_000, features))))
                alarms += detector.test(reference, from_matrix(draw(generator, 200))).drifted
            sys.stdout.write(f"{alarms / count:>19.3f}")
            sys.stdout.flush()
        sys.stdout.write("\n")


def main() -> None:
    """Print both tables."""
    defaults = ["200", "1"]
    words = sys.argv[1:]
    count, seed = (int(word) for word in [*words, *defaults[len(words) :]])
    sys.stdout.write("processor time\n")
    times(np.random.default_rng(seed))
    sys.stdout.write("power\n")
    power(count, seed)


if __name__ == "__main__":
    main()

"""Online drift detectors: time to start and an instance, run lengths without drift, delay with it.

Usage: drift_online.py [--detector NAME] [--expected-run-time 150] [--references 20] [--rows 10000]

For each detector: processor seconds of `start` with 10,000 reference rows (18 features and 1),
milliseconds a row (one row an update, and 1,000), mean run length without drift over fresh
references of 10,000, 1,000 and 100 rows with its 95 % interval and its spread between references,
and rows until an alarm after shifts of 0.5 and 1 standard deviation of one feature (ones: from
20 % to 40 and 60 %). The reference is alibi-detect 0.13: CVMDriftOnline starts in 21 s with 1,000
rows and not within 350 s with 4,000, takes 0.35 ms an instance, has a mean run of 194 for 150, and
finds these shifts after 35 and 20 rows.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.serving.drift.online.online_cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.online_fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.online_maximum_mean_discrepancy import (
    OnlineMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.online.page_hinkley import PageHinkley
from kanaria.serving.drift.table_columns import from_matrix

Draw = Callable[[np.random.Generator, int, int, float], np.ndarray]


def numbers(generator: np.random.Generator, rows: int, features: int, shift: float) -> np.ndarray:
    """Return normal numbers, those of the first feature shifted."""
    drawn = generator.normal(size=(rows, features))
    drawn[:, 0] += shift
    return drawn


def ones(generator: np.random.Generator, rows: int, features: int, shift: float) -> np.ndarray:
    """Return zeros and ones, a fifth of them ones, of the first feature more."""
    shares = np.full(features, 0.2)
    shares[0] += 0.4 * shift
    return generator.binomial(1, shares, (rows, features))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A detector and the rows that suit it."""

    detector: Any
    draw: Draw


def cases(expected: int) -> dict[str, Case]:
    """Return every detector with an expected run time."""
    every = {"expected_run_time": expected, "least": 0}
    return {
        "cramer_von_mises": Case(detector=OnlineCramerVonMises(**every), draw=numbers),
        "cramer_von_mises_20": Case(
            detector=OnlineCramerVonMises(**every, window_sizes=(20,)), draw=numbers
        ),
        "fisher_exact": Case(detector=OnlineFisherExact(**every), draw=ones),
        "page_hinkley": Case(detector=PageHinkley(**every), draw=numbers),
        "mean_discrepancy": Case(detector=OnlineMaximumMeanDiscrepancy(**every), draw=numbers),
    }


def times(case: Case, generator: np.random.Generator, features: int) -> None:
    """Print processor seconds of a start and milliseconds a row."""
    reference = case.detector.fit(from_matrix(case.draw(generator, 10_000, features, 0)))
    began = time.process_time()
    state = case.detector.start(reference)
    started = time.process_time() - began
    rows = from_matrix(case.draw(generator, 1_000, features, 0))
    began = time.process_time()
    case.detector.update(reference, state, rows)
    together = time.process_time() - began
    began = time.process_time()
    for row in range(200):
        one = {name: column[row : row + 1] for name, column in rows.items()}
        state, _ = case.detector.update(reference, state, one)
    alone = (time.process_time() - began) * 5
    print(
        f"  {features:2} features: start {started:.2f} s; "
        f"a row {together:.3f} ms of 1,000 and {alone:.3f} ms alone"
    )


def runs(
    case: Case, generator: np.random.Generator, sizes: tuple[int, int, int]
) -> tuple[np.ndarray, list[float]]:
    """Return the lengths of all runs without drift, and their means by reference.

    Args:
        case: the detector.
        generator: of the rows.
        sizes: rows of a reference, references, and rows of each stream.
    """
    lengths: list[int] = []
    means, state = [], None
    for _ in range(sizes[1]):
        reference = case.detector.fit(from_matrix(case.draw(generator, sizes[0], 1, 0)))
        # Thresholds of ranks do not depend on the values, so one start serves all.
        if state is None or not isinstance(case.detector, OnlineCramerVonMises):
            state = case.detector.start(reference)
        rows = from_matrix(case.draw(generator, sizes[2], 1, 0))
        _, result = case.detector.update(reference, state, rows)
        distances = np.diff([0, *result.alarms])
        lengths += distances.tolist()
        means.append(sizes[2] / max(len(distances), 1))
    return np.array(lengths), means


def delays(case: Case, generator: np.random.Generator, shift: float) -> list[int]:
    """Return the rows until an alarm after drift from the first row on; 1,000 where none came."""
    reference = case.detector.fit(from_matrix(case.draw(generator, 10_000, 1, 0)))
    state = case.detector.start(reference)
    waits = []
    for _ in range(200):
        rows = from_matrix(case.draw(generator, 300, 1, shift))
        _, result = case.detector.update(reference, state, rows)
        waits.append(result.alarms[0] if result.alarms else 1_000)
    return waits


def main() -> None:
    """Print a block for each detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detector", choices=cases(150))
    parser.add_argument("--expected-run-time", type=int, default=150)
    parser.add_argument("--references", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000, help="of each stream")
    options = parser.parse_args()
    for name, case in cases(options.expected_run_time).items():
        if options.detector not in (None, name):
            continue
        generator = np.random.default_rng(19)
        print(f"{name}, expected run time {options.expected_run_time}", flush=True)
        for features in (1, 18):
            times(case, generator, features)
        for rows in (10_000, 1_000, 100):
            lengths, means = runs(case, generator, (rows, options.references, options.rows))
            error = 1.96 * lengths.std() / np.sqrt(len(lengths))
            print(
                f"  reference of {rows:6}: mean run {lengths.mean():.1f} ± {error:.1f} over "
                f"{len(lengths)} runs, median {np.median(lengths):.0f}, "
                f"by reference {min(means):.0f} to {max(means):.0f}",
                flush=True,
            )
        for shift in (0.5, 1.0):
            waits = delays(case, generator, shift)
            print(f"  shift of {shift}: {np.mean(waits):.1f} rows, median {np.median(waits):.0f}")


if __name__ == "__main__":
    main()

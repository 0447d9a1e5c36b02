"""ADWIN on the errors of a model: when a change was found, and how large it was."""

import subprocess
import sys

import numpy as np
import pytest
from river import drift
from scipy import stats

from kanaria.serving.drift.online import private_river
from kanaria.serving.drift.online.adaptive_window import AdaptiveWindow, change_points


def errors(rates: list[float], rows: int, seed: int) -> np.ndarray:
    """Return zeros and ones, `rows` with each rate in turn."""
    return np.random.default_rng(seed).binomial(1, np.repeat(rates, rows))


def test_a_change_is_found_after_it_happened():
    changes = change_points(errors([0.05, 0.3, 0.05], 2_000, seed=1))
    assert len(changes) == 2
    assert 2_000 < changes[0] < 2_300 and 4_000 < changes[1] < 4_300


def test_streams_without_a_change_seldom_alarm():
    streams, looks = 60, 2_000 // 32
    alarms = sum(len(change_points(errors([0.1], 2_000, seed))) for seed in range(streams))
    assert alarms <= stats.binom.ppf(0.999, streams * looks, 0.002)


def test_updates_find_the_same_changes_and_their_size():
    values = errors([0.05, 0.5], 1_000, seed=2)
    detector = AdaptiveWindow()
    reference = detector.fit({"error": values[:10]})
    _, result = detector.update(reference, detector.start(reference), {"error": values})
    assert [row - 1 for row in result.alarms] == list(change_points(values))
    assert result.foremost.effect.low > 0.2 and result.foremost.effect.high > 0.45


def test_only_the_newest_values_are_kept():
    detector = AdaptiveWindow(longest=200)
    values = errors([0.05] * 9 + [0.9], 500, seed=3)
    reference = detector.fit({"error": values})
    state, result = detector.update(reference, detector.start(reference), {"error": values})
    assert state.memory.shape == (1, 200)
    assert any(4_500 < row < 4_600 for row in result.alarms)


@pytest.mark.parametrize("delta", [0.002, 0.2])
@pytest.mark.parametrize(
    "values",
    [
        errors([0.05, 0.3, 0.05, 0.9], 700, seed=4),
        np.random.default_rng(5).normal(np.repeat([0.0, 4.0, -1e6, 0.0], 300)),
        np.zeros(500),
        np.array([]),
    ],
    ids=["errors", "numbers", "constant", "none"],
)
def test_changes_are_found_where_river_finds_them(values: np.ndarray, delta: float):
    whole, changes = drift.ADWIN(delta=delta), []
    for place, value in enumerate(values):
        whole.update(value)
        if whole.drift_detected:
            changes.append(place)
    assert private_river.changes(values, delta) == changes
    assert changes or np.ptp([0.0, *values]) == 0.0


def test_a_change_is_found_without_the_rest_of_river():
    script = (
        "import sys; from kanaria.serving.drift.online import private_river; "
        "print(private_river.changes([0.0] * 200 + [1.0] * 200, 0.002), 'pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[223] False"

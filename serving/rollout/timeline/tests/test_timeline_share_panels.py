"""What the timeline draws of a shadow."""

import pytest

from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.observations.interval_observation import Observation, RevisionFacts
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import panels, record_history, status_lines, timeline_page

SHADOW = parse("strategy: shadow\ngates: {disagreement: {limit: 0.2}}")


@pytest.fixture
def shadowed(facts, started):
    """Half an hour of 100 rows a minute, 6 of them answered differently, half of them labelled."""
    entries = [
        Observation(
            interval=n,
            now=started + 60.0 * n,
            facts=RevisionFacts(ready=True),
            models=ModelCounts(
                canary={"0": 50 * n, "1": 50 * n},
                stable={"0": 50 * n, "1": 50 * n},
                pairs=100 * n,
                canary_apart={"0": 3 * n, "1": 3 * n},
                stable_apart={"0": 3 * n, "1": 3 * n},
                stable_right=n,
                canary_right=2 * n,
            ),
        )
        for n in range(10)
    ]
    return record_history.read(facts, SHADOW, started, entries)


def drawn(read, title):
    return next(one for one in panels.panels(read) if one.title.startswith(title))


def test_the_bounds_of_the_loss_are_drawn_beside_the_margin(shadowed):
    panel = drawn(shadowed, "Accuracy that the canary loses")
    most, least = panel.curves
    assert panel.thresholds[0][0] == 0.02
    assert all(low <= high for (_, low), (_, high) in zip(least.points, most.points, strict=True))
    assert most.points[-1][1] < most.points[0][1]


def test_disagreement_and_predictions_are_drawn_within_their_bounds(shadowed):
    for title in ("Rows that both models answer differently", "Predictions of the canary apart"):
        (curve,) = drawn(shadowed, title).curves
        for (_, value), (_, low, high) in zip(curve.points, curve.band, strict=True):
            assert low <= value <= high


def test_the_evidence_of_harm_has_the_labels_beside_the_counted_gates(shadowed):
    names = [curve.name for curve in drawn(shadowed, "Evidence of harm").curves]
    assert names == ["errors", "latency", "labels", "together, as it counts"]


def test_a_shadow_is_told_as_one(shadowed, facts):
    state, now = shadowed.state, shadowed.ended
    assert "  shadow  " in status_lines.line(state, SHADOW, now)
    status = status_lines.status(facts, state, SHADOW, now)
    assert "answers nobody, gets a copy of 100% of the requests" in status
    assert "labels: 27 of 54 rows of disagreement" in status
    assert "In the shadow of the stable revision" in timeline_page.render(shadowed)

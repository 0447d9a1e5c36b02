import pytest

from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import panel_axes, panels, record_history

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")


def drawn(drawn_panels, title):
    panel = next(one for one in drawn_panels if one.title.startswith(title))
    return panel, {curve.name: curve for curve in panel.curves}


@pytest.fixture
def promoted(facts, started, make_record):
    return record_history.read(facts, RAMP, started, make_record(RAMP, 200))


def test_the_intervals_are_clopper_and_pearsons():
    # The beta quantiles by hand: 0 of 10 has the upper end 1 - 0.025 ** (1 / 10).
    low, high = panels.interval([0, 10, 5], [10, 10, 10])
    assert low == pytest.approx([0, 0.025**0.1, 0.18709], abs=1e-5)
    assert high == pytest.approx([1 - 0.025**0.1, 1, 0.81291], abs=1e-5)


def test_the_traffic_steps_where_it_was_decided(promoted):
    _, curves = drawn(panels.panels(promoted), "Traffic")
    assert [value for _, value in curves["desired"].points] == [0, 10, 50, 100, 100]
    assert curves["really set"].points[-1][1] == 50


def test_harm_counts_together_and_reaches_its_threshold_where_it_is_rolled_back(
    facts, started, make_record
):
    read = record_history.read(
        facts, RAMP, started, make_record(RAMP, 200, errors=lambda _minute: 0.03)
    )
    panel, curves = drawn(panels.panels(read), "Evidence of harm")
    limit = panel.thresholds[0][0]
    together = [value for _, value in curves["together, as it counts"].points]
    assert limit == pytest.approx(20)
    assert together[-1] / limit == pytest.approx(read.moments[-1].spent)
    assert max(together[:-1]) < limit <= together[-1]


def test_refusals_are_drawn_beside_the_stable_revisions_where_they_are_told(
    facts, started, make_record, promoted
):
    untold = [panel.title for panel in panels.panels(promoted)]
    assert not any(title.startswith("Refusals") for title in untold)
    entries = make_record(RAMP, 200, refused=(0.3, 0.3))
    drawn_panels = panels.panels(record_history.read(facts, RAMP, started, entries))
    _, curves = drawn(drawn_panels, "Refusals since the start")
    assert curves["canary"].points[-1][1] == pytest.approx(0.3, abs=0.01)
    assert "refusals" in drawn(drawn_panels, "Evidence of health")[1]


def test_what_never_happened_is_drawn_with_all_of_its_last_interval(facts, started, make_record):
    entries = make_record(RAMP, 60, refused=(0.0, 0.0))
    drawn_panels = panels.panels(record_history.read(facts, RAMP, started, entries))
    panel, curves = drawn(drawn_panels, "Refusals since the start")
    assert all(value == 0 for curve in curves.values() for _, value in curve.points)
    assert panel.scale.high >= max(curve.band[-1][2] for curve in curves.values()) > 0.0002


def test_health_is_drawn_as_the_decision_saw_it_not_as_the_next_step_begins(promoted):
    _, curves = drawn(panels.panels(promoted), "Evidence of health")
    shifts = [moment.when for moment in promoted.moments if moment.rule == "climbing"]
    at_shift = dict(curves["latency"].points)[shifts[0]]
    assert at_shift != pytest.approx(1.0)


def test_thinning_keeps_every_step_and_the_worst_of_each_stretch(facts, started, make_record):
    policy = parse("steps: [{percent: 10, minimum_requests: 60000}, {percent: 50}]")
    read = record_history.read(facts, policy, started, make_record(policy, 700))
    moments = panels.thinned(read.moments)
    assert len(moments) < 2 * panels.MOST_POINTS + 10
    assert max(moment.spent for moment in moments) == max(moment.spent for moment in read.moments)
    acted = [moment for moment in read.moments if moment.before.step != moment.state.step]
    assert all(moment in moments for moment in acted)


def test_a_gap_is_where_counters_or_looks_are_missing(started):
    def minute(number, at):
        return Observation(interval=number, now=started + 60 * at)

    basic = parse("strategy: basic")
    read = record_history.read({}, basic, started, [minute(0, 1), minute(1, 2)])
    assert panels.gaps(read) == [(started, started + 120)]


def test_a_pause_between_looks_is_a_gap(facts, started, make_record):
    entries = make_record(RAMP, 12)
    remaining = [*entries[:4], *entries[9:]]
    drawn_panels = panels.gaps(record_history.read(facts, RAMP, started, remaining))
    assert drawn_panels == [(started + 4 * 60, started + 10 * 60)]


@pytest.mark.parametrize("most", [0.0, 1e-6, 0.0123, 0.5, 1.0])
def test_a_scale_of_shares_holds_its_greatest_value(most):
    scale = panel_axes.shares(most)
    assert most <= scale.high <= 1
    assert scale.low == 0


def test_evidence_is_drawn_within_a_thousandth_and_a_million():
    scale = panel_axes.evidence(1e-300, 1e300)
    assert (scale.low, scale.high) == (1e-3, 1e6)

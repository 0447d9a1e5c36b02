"""What the timeline draws: panels of curves over time, as data. Pure."""

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.rollout.decision.situation import asked_of
from kanaria.serving.rollout.judgement.gates.gate_kind import CountsRow
from kanaria.serving.rollout.judgement.gates.gate_registry import KINDS
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.timeline import panel_axes
from kanaria.serving.rollout.timeline.decision_table import is_marked
from kanaria.serving.rollout.timeline.panel_curves import CANARY, INK, STABLE, Curve, Panel, numbers
from kanaria.serving.rollout.timeline.record_history import History, Moment
from kanaria.serving.rollout.timeline.share_panels import share_panels

CONFIDENCE = 0.95
MOST_POINTS = 240
SETTLED_REQUESTS = 100
"""From here on an interval is narrow enough to set the height of a panel."""
HOLE = 2.5
STYLES = (
    ("var(--d)", "7 3"),
    ("var(--a)", "5 2 1 2"),
    ("var(--e)", "2 3"),
    ("var(--f)", "9 2 2 2"),
    ("var(--c)", "1 2"),
)
"""Color and dashes of the gates that may roll back, in the order of their kinds."""
STYLE_OF = dict(zip((kind.name for kind in KINDS if kind.weighs), cycle(STYLES), strict=False))


def panels(history: History) -> tuple[Panel, ...]:
    """Return the panels from top to bottom; those without anything to show are left out."""
    moments = thinned(history.moments)
    drawn = [
        _traffic(history, moments),
        _errors(moments),
        *_counts(moments),
        *_evidence(history, moments),
    ]
    drawn += share_panels(history.policy, moments)
    return tuple(one for one in [*drawn, _exposure(history, moments)] if one is not None)


def thinned(moments: Sequence[Moment]) -> list[Moment]:
    """Return at most some 500 observations: of each stretch its last one and its worst one.

    Observations that acted are kept in any case, and with them the ends of all steps.
    """
    observed = [moment for moment in moments if isinstance(moment.entry, Observation)]
    size = -(-len(observed) // MOST_POINTS) or 1
    thinned_moments = []
    for start in range(0, len(observed), size):
        stretch = observed[start : start + size]
        worst = max(stretch, key=lambda moment: moment.spent)
        thinned_moments += [one for one in stretch if one in (worst, stretch[-1]) or is_marked(one)]
    return thinned_moments


def interval(
    events: Sequence[float], requests: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the Clopper-Pearson intervals (1934) of `CONFIDENCE` for a share.

    Args:
        events: shape (n,), 0 to the requests.
        requests: shape (n,), 1 or more.
    """
    from scipy.special import betaincinv  # What has no rollout draws nothing.

    hits, trials = np.asarray(events, dtype=float), np.asarray(requests, dtype=float)
    tail = (1 - CONFIDENCE) / 2
    # The beta distribution has no parameter 0; there the interval ends at 0 or 1.
    low = betaincinv(np.maximum(hits, 1), trials - hits + 1, tail)
    high = betaincinv(hits + 1, np.maximum(trials - hits, 1), 1 - tail)
    return np.where(hits > 0, low, 0.0), np.where(hits < trials, high, 1.0)


def _traffic(history: History, moments: Sequence[Moment]) -> Panel:
    changes = [moment for moment in history.moments if moment.before != moment.state]
    desired = [(history.started, 0.0)]
    for moment in changes:
        if moment.state.desired_percent != desired[-1][1]:
            desired.append((moment.when, float(moment.state.desired_percent)))
    desired.append((history.horizon, desired[-1][1]))
    shares_set = [
        (moment.when, float(moment.entry.percent))
        for moment in moments
        if isinstance(moment.entry, Observation) and moment.entry.percent is not None
    ]
    curves = [Curve(name="desired", color=CANARY, points=desired, stepped=True)]
    if shares_set:
        curves.append(
            Curve(name="really set", color=INK, points=shares_set, dash="2 3", stepped=True)
        )
    most = max(value for _, value in [*desired, *shares_set])
    title = "Traffic of the canary, % of requests"
    return Panel(title=title, scale=panel_axes.percentages(most), curves=curves)


def _errors(moments: Sequence[Moment]) -> Panel | None:
    canary = [(one.when, one.canary.errors, one.canary.requests) for one in moments]
    stable = [(one.when, one.stable.errors, one.stable.requests) for one in moments]
    return _rates("Errors since the start, % of requests", canary, stable)


def _counts(moments: Sequence[Moment]) -> Iterator[Panel | None]:
    """Yield the panels of the gates whose row shows what they counted."""
    for kind in KINDS:
        if isinstance(kind.row, CountsRow):
            yield _counted(moments, kind.name, kind.row.title)


def _counted(moments: Sequence[Moment], gate: str, title: str) -> Panel | None:
    numbers_by_time = [(one.when, of) for one in moments if (of := numbers(one, gate))]
    canary, stable = (
        [
            (when, int(of[f"{which}_events"]), int(of[f"{which}_requests"]))
            for when, of in numbers_by_time
        ]
        for which in ("canary", "stable")
    )
    return _rates(f"{title} since the start, % of requests", canary, stable)


def _rates(
    title: str, canary: list[tuple[float, int, int]], stable: list[tuple[float, int, int]]
) -> Panel | None:
    named = (("stable", STABLE, "6 3", stable), ("canary", CANARY, "", canary))
    curves = [
        _rate(name, color, dash, [one for one in series if one[2] > 0])
        for name, color, dash, series in named
    ]
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return None
    settled = {
        when for series in (canary, stable) for when, _, total in series if total > SETTLED_REQUESTS
    }
    tops = [high for curve in curves for when, _, high in curve.band if when in settled]
    highest = [value for curve in curves for _, value in curve.points[-1:]]
    # Of what never happened the last interval alone says how far it may be from never.
    last = max(curve.band[-1][2] for curve in curves)
    scale = panel_axes.shares(min(max([*tops, *highest]), max(last, 2 * max(_peaks(curves)))))
    return Panel(title=title, scale=scale, curves=curves)


def _peaks(curves: Sequence[Curve]) -> list[float]:
    """Return the highest value of each curve after its unsettled beginning, above 0."""
    return [
        max([1e-4, *(v for _, v in curve.points[len(curve.points) // 10 :])]) for curve in curves
    ]


def _rate(name: str, color: str, dash: str, series: list[tuple[float, int, int]]) -> Curve:
    events, requests = [one[1] for one in series], [one[2] for one in series]
    low, high = interval(events, requests)
    return Curve(
        name=name,
        color=color,
        dash=dash,
        points=[(when, hits / total) for when, hits, total in series],
        band=[(one[0], float(a), float(b)) for one, a, b in zip(series, low, high, strict=True)],
    )


def _evidence(history: History, moments: Sequence[Moment]) -> list[Panel]:
    """Return the panels of e-values against and for the canary."""
    policy = history.policy
    judging = [gate for gate in panel(policy) if hasattr(gate, "promise")]
    gates = [gate for gate in judging if any(numbers(one, gate.name) for one in moments)]
    if not gates:
        return []
    harm = [_e_values(moments, gate.name, "harm_e_value") for gate in gates]
    healthy = [
        gate.name
        for gate in gates
        if any("health_e_value" in numbers(one, gate.name) for one in moments)
    ]
    health = [_e_values(moments, name, "health_e_value") for name in healthy]
    both = [(one.when, one.spent / policy.false_rollback) for one in moments]
    limits = {1 / policy.false_rollback: f"rolled back at {1 / policy.false_rollback:.3g} together"}
    if len(gates) > 1:
        harm.append(Curve(name="together, as it counts", color=INK, points=both))
        for gate in gates:
            limit = 1 / gate.promise.alpha
            limits[limit] = f"{limit:.3g}: one gate alone"
    agreed = 1 / policy.false_promotion
    title = "{}, e-value on a logarithmic axis"
    agrees = [(agreed, f"a gate agrees at {agreed:.3g}")]
    drawn = [_e_panel(title.format("Evidence of harm"), harm, list(limits.items()))]
    if health:
        drawn.append(_e_panel(title.format("Evidence of health in the step"), health, agrees))
    return drawn


def _e_values(moments: Sequence[Moment], gate: str, key: str) -> Curve:
    values = [(one.when, numbers(one, gate)[key]) for one in moments if numbers(one, gate)]
    color, dash = STYLE_OF[gate]
    return Curve(name=gate, color=color, points=values, dash=dash)


def _e_panel(title: str, curves: Sequence[Curve], thresholds: Sequence[tuple[float, str]]) -> Panel:
    values = [value for curve in curves for _, value in curve.points]
    most = max([*values, *(3 * limit for limit, _ in thresholds)])
    scale = panel_axes.evidence(min(values), most)
    return Panel(title=title, scale=scale, curves=curves, thresholds=thresholds, height=130)


def _exposure(history: History, moments: Sequence[Moment]) -> Panel | None:
    """Return the canary's requests in each step beside those the step asks for."""
    ladder = history.policy.ladder
    counted: list[tuple[float, float]] = []
    least_percents = [(history.started, 0.0)]
    for moment in moments:
        counted.append((moment.when, _in_step(moment)))
        step = moment.state.step
        if step != moment.before.step:
            counted.append((moment.when, 0.0))
            begun = 0 <= step < len(ladder)
            least = asked_of(ladder[step], history.policy)[0] if begun else 0
            least_percents.append((moment.when, float(least)))
    if not any(value for _, value in counted):
        return None
    least_percents.append((history.ended, least_percents[-1][1]))
    curves = [
        Curve(name="canary", color=CANARY, points=counted),
        Curve(name="the step asks for", color=INK, points=least_percents, dash="2 3", stepped=True),
    ]
    return Panel(
        title="Exposure, requests of the canary in the step",
        scale=panel_axes.counts(max(value for curve in curves for _, value in curve.points)),
        curves=curves,
        height=90,
    )


def _in_step(moment: Moment) -> float:
    """Return the canary's requests in the step that an observation met."""
    if moment.state.step == moment.before.step:
        return float(moment.state.step_requests)
    counts = moment.entry.canary if isinstance(moment.entry, Observation) else None
    return float(moment.before.step_requests + (counts.requests if counts else 0))


def gaps(history: History) -> list[tuple[float, float]]:
    """Return the stretches of time without data, from and to in seconds since 1970.

    These are intervals whose needed counters were missing, and pauses between two observations
    of more than `HOLE` usual intervals.
    """
    observed = [moment for moment in history.moments if isinstance(moment.entry, Observation)]
    starts = [history.started, *(moment.when for moment in observed)]
    spans = [(start, moment.when) for start, moment in zip(starts, observed, strict=False)]
    usual = float(np.median([end - start for start, end in spans[1:] or spans])) if spans else 0.0
    stretches: list[tuple[float, float]] = []
    for (start, end), moment in zip(spans, observed, strict=True):
        if not (moment.blind or end - start > HOLE * max(usual, 1.0)):
            continue
        if stretches and stretches[-1][1] == start:
            start = stretches.pop()[0]
        stretches.append((start, end))
    return [(start, end) for start, end in stretches if end > start]

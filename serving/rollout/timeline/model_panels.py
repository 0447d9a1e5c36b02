"""What the gates on models found, as panels of shares with their bounds. Pure."""

from collections.abc import Sequence

from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.timeline import axes
from kanaria.serving.rollout.timeline.curves import CANARY, INK, Curve, Panel, numbers
from kanaria.serving.rollout.timeline.history import Moment

ALL_LOOKS = "bounds hold for all looks together"


def model_panels(policy: Policy, kept: Sequence[Moment]) -> list[Panel]:
    """Return a panel for each gate on models that has compared something.

    Args:
        policy: of the rollout.
        kept: the moments to draw, in the order of time.
    """
    found = [
        _predictions(policy, kept),
        _disagreement(policy, kept),
        _loss(policy, kept),
    ]
    return [one for one in found if one is not None]


def _predictions(policy: Policy, kept: Sequence[Moment]) -> Panel | None:
    gate = policy.gates.predictions
    seen = [(one.when, of) for one in kept if "variation" in (of := numbers(one, "predictions"))]
    if not gate or not seen:
        return None
    curve = Curve(
        name="total variation",
        color=CANARY,
        points=[(when, of["variation"]) for when, of in seen],
        band=[(when, of["variation_low"], of["variation_high"]) for when, of in seen],
    )
    title = f"Predictions of the canary apart from stable's, % of rows; {ALL_LOOKS}"
    limit = (gate.tolerated, f"tolerated {gate.tolerated:.3g}")
    return _panel(title, [curve], [limit])


def _disagreement(policy: Policy, kept: Sequence[Moment]) -> Panel | None:
    gate = policy.gates.disagreement
    seen = [(one.when, of) for one in kept if (of := numbers(one, "disagreement")).get("pairs")]
    if not gate or not seen:
        return None
    curve = Curve(
        name="answered differently",
        color=CANARY,
        points=[(when, of["disagreements"] / of["pairs"]) for when, of in seen],
        band=[(when, of["disagreement_low"], of["disagreement_high"]) for when, of in seen],
    )
    limits = [(gate.limit, f"limit {gate.limit:.3g}")] if gate.limit is not None else []
    title = f"Rows that both models answer differently, % of rows; {ALL_LOOKS}"
    return _panel(title, [curve], limits)


def _loss(policy: Policy, kept: Sequence[Moment]) -> Panel | None:
    gate = policy.gates.labels
    seen = [(one.when, of) for one in kept if (of := numbers(one, "labels")).get("pairs")]
    if not gate or not seen:
        return None
    most = [(when, max(of["loss_high"], 0.0)) for when, of in seen]
    least = [(when, max(of["loss_low"], 0.0)) for when, of in seen]
    curves = [
        Curve(name="at most", color=CANARY, points=most),
        Curve(name="at least", color=INK, points=least, dash="2 3"),
    ]
    limit = (gate.margin, f"must be below {gate.margin:.3g}")
    return _panel(f"Accuracy that the canary loses, % of rows; {ALL_LOOKS}", curves, [limit])


def _panel(title: str, curves: Sequence[Curve], limits: Sequence[tuple[float, str]]) -> Panel:
    """Return a panel high enough for the limits and for the last bounds."""
    ends = [curve.band[-1][2] if curve.band else curve.points[-1][1] for curve in curves]
    most = max([*ends, *(1.5 * limit for limit, _ in limits)])
    return Panel(title=title, scale=axes.shares(min(most, 1.0)), curves=curves, thresholds=limits)

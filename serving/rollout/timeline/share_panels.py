"""Panels of the gates whose row shows shares of rows with their bounds. Pure."""

from collections.abc import Iterator, Sequence

from kanaria.serving.rollout.judgement.gates.gate_kind import Share, SharesRow
from kanaria.serving.rollout.judgement.gates.gate_parameters import Part
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.timeline import panel_axes
from kanaria.serving.rollout.timeline.panel_curves import CANARY, INK, Curve, Panel, numbers
from kanaria.serving.rollout.timeline.record_history import Moment

ALL_LOOKS = "bounds hold for all looks together"
STYLES = ((CANARY, ""), (INK, "2 3"))
"""Color and dashes of the first share of a row, and of the second."""


def share_panels(policy: Policy, moments: Sequence[Moment]) -> Iterator[Panel]:
    """Yield a panel for each such gate that is on and has compared something.

    Args:
        policy: of the rollout.
        moments: the moments to draw, in the order of time.
    """
    parameters = policy.gates.on
    for kind in policy.gates.kinds:
        if not isinstance(kind.row, SharesRow):
            continue
        drawn = [(one.when, kind.row.shares(numbers(one, kind.name))) for one in moments]
        shares_by_time = [(when, shares) for when, shares in drawn if shares]
        if shares_by_time:
            curves = [
                _curve([(when, shares[rank]) for when, shares in shares_by_time], *STYLES[rank])
                for rank in range(len(shares_by_time[0][1]))
            ]
            yield _panel(kind.row, curves, parameters[kind.name])


def _curve(series: Sequence[tuple[float, Share]], color: str, dash: str) -> Curve:
    return Curve(
        name=series[0][1].name,
        color=color,
        dash=dash,
        points=[(when, share.value) for when, share in series],
        band=[
            (when, share.low, share.high)
            for when, share in series
            if share.low is not None and share.high is not None
        ],
    )


def _panel(row: SharesRow, curves: Sequence[Curve], parameters: Part) -> Panel:
    """Return a panel high enough for the limit and for the last bounds."""
    limit = row.limit(parameters)
    limits = [limit] if limit is not None else []
    ends = [curve.band[-1][2] if curve.band else curve.points[-1][1] for curve in curves]
    most = min(max([*ends, *(1.5 * share for share, _ in limits)]), 1.0)
    title = f"{row.title}, % of rows; {ALL_LOOKS}"
    return Panel(title=title, scale=panel_axes.shares(most), curves=curves, thresholds=limits)

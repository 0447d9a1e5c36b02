"""Which revision answers a request: drawn with the weights of their shares of traffic. Pure."""

from collections.abc import Sequence

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic


def choose(shares: Sequence[RevisionTraffic], draw: float) -> str:
    """Return the revision that a draw from [0, 1) falls on, or "" when there are no shares."""
    point, reached = draw * 100, 0
    for share in shares:
        reached += share.percent
        if point < reached:
            return share.revision
    return ""

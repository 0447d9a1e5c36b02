"""Which revision gets which share: KServe's rules for `canaryTrafficPercent`. Pure.

    newest ready   percent      stable            traffic
    ------------   ----------   ---------------   -----------------------------------------
    none           any          none              nothing
    L              any          none              L 100; L becomes stable
    L              unset, 100   R, R != L         L 100; L becomes stable, R the previous
    L              N < 100      R, R != L         L gets N, R gets 100 - N
    R              any          R                 R 100
    R = newest     0            R, previous P     P 100; P becomes stable again (rollback)

A revision that never became ready gets nothing, so a bad model leaves the stable one alone.
A stopped service runs nothing and answers nothing; its revisions are kept as they stand.
Source: KServe 0.20, reconcilers/knative/ksvc_reconciler.go.
"""

from dataclasses import dataclass, replace

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """Where the revisions of one service stand.

    Attributes:
        created: all revisions, the newest last.
        ready: those that have become ready at least once.
        percent: `canaryTrafficPercent`, 0 to 100, or None when unset.
        stable: the rolled-out revision, or "".
        previous: the one rolled out before it, or "".
        mirrored: percent of the requests that are copied to the newest while it answers none.
        stopped: whether nothing is to run; the rest is kept for when it runs again.
    """

    created: tuple[str, ...] = ()
    ready: frozenset[str] = frozenset()
    percent: int | None = None
    stable: str = ""
    previous: str = ""
    mirrored: int = 0
    stopped: bool = False

    @property
    def latest_ready(self) -> str:
        """The newest revision that has become ready, or ""."""
        return next((name for name in reversed(self.created) if name in self.ready), "")


def advance(rollout: Rollout) -> Rollout:
    """Return the rollout with `stable` and `previous` brought up to date; idempotent."""
    latest = rollout.latest_ready
    if not latest:
        return rollout
    if not rollout.stable:
        return replace(rollout, stable=latest)
    is_newest_stable = rollout.created[-1] == rollout.stable
    if is_newest_stable and rollout.percent == 0 and rollout.previous:
        return replace(rollout, stable=rollout.previous, previous="")
    if latest != rollout.stable and rollout.percent in (None, 100):
        return replace(rollout, stable=latest, previous=rollout.stable)
    return rollout


def traffic(rollout: Rollout) -> tuple[RevisionTraffic, ...]:
    """Return the shares of an advanced rollout: empty, or summing to 100, newest first."""
    latest, stable = rollout.latest_ready, rollout.stable
    if not stable or rollout.stopped:
        return ()
    if latest == stable:
        return (RevisionTraffic(revision=stable, percent=100),)
    percent = rollout.percent or 0
    return (
        RevisionTraffic(revision=latest, percent=percent),
        RevisionTraffic(revision=stable, percent=100 - percent),
    )


def shadow(rollout: Rollout) -> RevisionTraffic | None:
    """Return who gets a copy of which percentage of an advanced rollout's requests, if anybody.

    A revision that answers a share of them is no shadow: some would come to it twice.
    """
    newest = next(iter(traffic(rollout)), None)
    if newest is None or newest.percent or not rollout.mirrored:
        return None
    return RevisionTraffic(revision=newest.revision, percent=rollout.mirrored)


def wanted(rollout: Rollout) -> frozenset[str]:
    """Return the revisions whose predictor must run: those with traffic, and the newest."""
    if rollout.stopped:
        return frozenset()
    routed = {share.revision for share in traffic(rollout)}
    return frozenset(routed | set(rollout.created[-1:]))

"""What the rollouts of a service have to say to a push; they are asked before anything is changed.

newest rollout is of    and                            the push
--------------------    ----------------------------   -----------------------------------------
this model              decides over its traffic       changes nothing
this model              has rolled it back             gives it no share, whatever it is asked
another model           decides over its traffic       is refused, or supersedes it
any                     is over, or another revision   does what it is asked
                        has taken its place
"""

from dataclasses import dataclass
from enum import Enum

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.delivery_mapping import OnActive
from kanaria.serving.rollout.control.controller import Pace, run
from kanaria.serving.rollout.control.convergence import taken_over
from kanaria.serving.rollout.control.lease import NoLease
from kanaria.serving.rollout.control.operations import newest, order
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

SUPERSEDE_SECONDS = 60.0
"""How long a push waits until a canary whose place it takes has no traffic any more."""


class Say(Enum):
    """What the newest rollout says to the push of a model; see the table of the module."""

    NOTHING = "nothing"
    DECIDES = "decides"
    TAKEN_BACK = "taken_back"
    OTHER = "other"


def say(rollout: Rollout | None, status: ServiceStatus | None, uri: str) -> Say:
    """Return what the newest rollout of a service says to the push of the model at `uri`. Pure."""
    if rollout is None or status is None:
        return Say.NOTHING
    is_ours = rollout.target.canary_uri == uri
    if rollout.governs and not taken_over(rollout, status):
        return Say.DECIDES if is_ours else Say.OTHER
    # What somebody has promoted since has all traffic by a person's wish.
    is_stable = status.revision_uris.get(status.rolled_out) == uri
    is_taken_back = is_ours and rollout.state.phase is Phase.ROLLED_BACK and not is_stable
    return Say.TAKEN_BACK if is_taken_back else Say.NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollouts:
    """The rollouts of the service that is pushed to.

    Attributes:
        world: where they are kept and made true.
        namespace: of the service.
        service: its name.
        on_active: whether to give in to an active one or to end it.
        who: who brings a model, for the rollout's record.
    """

    world: World
    namespace: str
    service: str
    on_active: OnActive
    who: str

    def newest(self) -> Rollout | None:
        """Return the newest rollout.

        Raises:
            DataError: what is kept is no rollout; whether a canary was bad is not known then.
        """
        stored = self.world.store.load(self.namespace, self.service)
        return stored.rollout if stored is not None else None

    def require_way(self) -> None:
        """Raise a NotReadyError when a rollout is active and not to be superseded."""
        _require_way(self.newest(), self.on_active)

    def make_way(self, status: ServiceStatus | None) -> None:
        """End an active rollout; its canary has no traffic then, whatever becomes of the push.

        Args:
            status: of the service; a rollout whose place another revision has taken is over.
        """
        rollout = self.newest()
        is_taken = rollout is not None and status is not None and taken_over(rollout, status)
        on_active = OnActive.SUPERSEDE if is_taken else self.on_active
        names, now = (self.namespace, self.service), self.world.now()
        make_way(self.world.store, *names, on_active, who=self.who, now=now)
        rollout = self.newest()
        if rollout is not None and rollout.state.phase is Phase.SUPERSEDED:
            run(
                self.world,
                newest(self.world.store, *names),
                lease=NoLease(),
                listener=_unheard,
                pace=Pace(patience_seconds=SUPERSEDE_SECONDS),
            )


def make_way(
    store: Store, namespace: str, service: str, on_active: OnActive, *, who: str, now: float
) -> None:
    """Make sure that no rollout of the service is active before another model is staged.

    One that is superseded is not settled before its canary has no traffic: should the push fail
    or be killed, any controller sees to that.

    Args:
        store: where rollouts are kept.
        namespace: of the service.
        service: its name.
        on_active: whether to give in or to end it.
        who: who brings another model, for the rollout's record.
        now: seconds since 1970.

    Raises:
        NotReadyError: a rollout is active, and is not to be superseded.
    """
    stored = store.load(namespace, service)
    if stored is None or not stored.rollout.governs:
        return
    _require_way(stored.rollout, on_active)
    try:
        order(store, namespace, service, Command(kind=CommandKind.SUPERSEDE, who=who, when=now))
    except ParameterError:
        # It has ended by itself in between.
        stored = store.load(namespace, service)
        if stored is None or stored.rollout.governs:
            raise


def _require_way(rollout: Rollout | None, on_active: OnActive) -> None:
    if rollout is not None and rollout.governs and on_active is OnActive.REFUSE:
        raise NotReadyError(
            f"{rollout.title} is active: {rollout.target.canary} at "
            f"{rollout.state.desired_percent} %, begun by {rollout.started_by}; wait for its end, "
            "roll it back, or push with delivery.on_active=supersede"
        )


def _unheard(_: Stored) -> None:
    """Whoever supersedes a rollout says so itself."""

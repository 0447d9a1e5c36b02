"""What a push does while a rollout of the same service is active."""

from enum import StrEnum

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.rollout.commands import Command, CommandKind
from kanaria.serving.rollout.control.orders import order
from kanaria.serving.rollout.control.store import Store


class OnActive(StrEnum):
    """What another model does to an active rollout.

    REFUSE     the push fails, the rollout goes on
    SUPERSEDE  the rollout ends as superseded, the new model takes the canary's place
    """

    REFUSE = "refuse"
    SUPERSEDE = "supersede"


def make_way(
    store: Store, namespace: str, service: str, on_active: OnActive, *, who: str, now: float
) -> None:
    """Make sure that no rollout of the service is active before another model is staged.

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
    if stored is None or not stored.rollout.active:
        return
    if on_active is OnActive.REFUSE:
        rollout = stored.rollout
        raise NotReadyError(
            f"{rollout.title} is active: {rollout.target.canary} at "
            f"{rollout.state.desired_percent} %, begun by {rollout.started_by}; wait for its end, "
            "roll it back, or push with on_active=supersede"
        )
    order(store, namespace, service, Command(kind=CommandKind.SUPERSEDE, who=who, when=now))

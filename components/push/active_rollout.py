"""What a push does while a rollout of the same service is active.

Where rollouts are kept is not known here: whoever pushes brings it along.
"""

from enum import StrEnum
from typing import Protocol

from kanaria.components.shared.errors import NotReadyError


class OnActive(StrEnum):
    """What another model does to an active rollout.

    REFUSE     the push fails, the rollout goes on
    SUPERSEDE  the rollout ends as superseded, the new model takes the canary's place
    """

    REFUSE = "refuse"
    SUPERSEDE = "supersede"


class ActiveRollouts(Protocol):
    """Where the rollouts of services are kept."""

    def active(self, namespace: str, service: str) -> str | None:
        """Return what is rolled out by whom and how far, as one sentence; None if nothing is."""

    def supersede(self, namespace: str, service: str, who: str) -> None:
        """End the active rollout because `who` brings another model; none is fine."""


class NoRollouts:
    """No rollouts are kept."""

    def active(self, namespace: str, service: str) -> str | None:
        """Return None."""

    def supersede(self, namespace: str, service: str, who: str) -> None:
        """Do nothing."""


def make_way(
    rollouts: ActiveRollouts, namespace: str, service: str, on_active: OnActive, who: str
) -> None:
    """Make sure that no rollout of the service is active before another model is staged.

    Args:
        rollouts: where they are kept.
        namespace: of the service.
        service: its name.
        on_active: whether to give in or to end it.
        who: who brings another model, for the rollout's record.

    Raises:
        NotReadyError: a rollout is active, and is not to be superseded.
    """
    active = rollouts.active(namespace, service)
    if active is None:
        return
    if on_active is OnActive.REFUSE:
        raise NotReadyError(
            f"{namespace}/{service}: a rollout is active: {active}; wait for its end, roll it "
            "back, or push with on_active=supersede"
        )
    rollouts.supersede(namespace, service, who)

"""Where rollouts are kept: one at a time for a service, changed by compare-and-swap."""

from dataclasses import dataclass
from typing import Protocol

from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.audit_record import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A rollout as it was read, and the version that a change of it must name."""

    rollout: Rollout
    version: str


class Store(Protocol):
    """Keeps the newest rollout of every service, and the audit records of all."""

    def load(self, namespace: str, service: str, number: int | None = None) -> Stored | None:
        """Return a service's newest rollout, or that of a number; None where there is none.

        Raises:
            DataError: what is kept is no rollout.
        """

    def create(self, rollout: Rollout) -> None:
        """Keep the first rollout of a service, or, when the one before is over, the next.

        Raises:
            ConflictError: another one was created in between.
        """

    def save(self, rollout: Rollout, version: str, entry: Entry | None = None) -> Stored:
        """Replace the rollout read at `version`; add the entry to its record in the same write.

        Raises:
            ConflictError: it has changed since it was read.
        """

    def entries(self, namespace: str, service: str, number: int) -> tuple[Entry, ...]:
        """Return the audit record of a rollout, oldest entry first.

        Raises:
            DataError: the record is damaged, or there is no such rollout.
        """

    def services(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the services in the namespace that have a rollout."""

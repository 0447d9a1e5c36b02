"""A store of rollouts that keeps the audit trail up to date with what is written to it."""

import logging

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.audit.trail_store import TrailStore
from kanaria.serving.rollout.control.decision_trail import due
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.audit_record import Entry
from kanaria.serving.rollout.decision.rollout_commands import Command
from kanaria.serving.rollout.decision.rollout_state import Action

LOGGER = logging.getLogger(__name__)


class AuditedStore:
    """The Store that all who decide work with.

    The rollout is written first, then the trail. Who dies in between, or cannot write the trail,
    leaves the entry to whoever writes next: the way back to a good model waits for no trail.
    """

    def __init__(self, store: Store, trails: TrailStore) -> None:
        """Write to the store, and tell the trails."""
        self._store, self._trails = store, trails

    def load(self, namespace: str, service: str, number: int | None = None) -> Stored | None:
        """Return a service's newest rollout, or that of a number; None where there is none."""
        return self._store.load(namespace, service, number)

    def create(self, rollout: Rollout) -> None:
        """Keep the first rollout of a service, or, when the one before is over, the next."""
        self._store.create(rollout)
        self._tell(rollout)

    def save(self, rollout: Rollout, version: str, entry: Entry | None = None) -> Stored:
        """Replace the rollout read at `version`; add the entry to its record in the same write."""
        stored = self._store.save(rollout, version, entry)
        if _is_told(stored.rollout, entry):
            self._tell(stored.rollout)
        return stored

    def entries(self, namespace: str, service: str, number: int) -> tuple[Entry, ...]:
        """Return the audit record of a rollout, oldest entry first."""
        return self._store.entries(namespace, service, number)

    def services(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the services in the namespace that have a rollout."""
        return self._store.services(namespace)

    def _tell(self, rollout: Rollout) -> None:
        names = rollout.target.namespace, rollout.target.service
        try:
            self._trails.append(*names, lambda chain: due(chain, self._store, *names))
        except KanariaError as error:
            LOGGER.warning(
                "%s: what was decided is recorded, and not in the audit trail yet: %s",
                rollout.title,
                error,
            )


def _is_told(rollout: Rollout, entry: Entry | None) -> bool:
    """Tell whether a write may have decided something.

    One without an entry comes before the traffic is changed and after it is settled: what somebody
    left out is written then.
    """
    if entry is None or isinstance(entry, Command):
        return True
    last = rollout.state.last
    return last is None or last.action is not Action.HOLD

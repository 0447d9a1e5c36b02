"""Where audit trails are kept: read whole, and only ever added to."""

from collections.abc import Callable, Iterable
from typing import Protocol

from kanaria.components.shared.errors import DataError
from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.entry import Entry

Due = Callable[[Chain], Iterable[Entry]]
"""Returns what a trail still lacks; called again when another writer was faster."""


class TrailStore(Protocol):
    """Keeps one trail for each service."""

    def read(self, namespace: str, service: str) -> Chain:
        """Return the trail of a service, without entries where there is none.

        Raises:
            NotReadyError: it cannot be read now.
        """

    def append(self, namespace: str, service: str, due: Due) -> Chain:
        """Add what is due to the trail as it stands, with no other writer in between.

        Raises:
            DataError: the trail is damaged; it stays as it is, for it is evidence.
            NotReadyError: it cannot be read or written now.
            ConflictError: others wrote each time it was tried.
        """


def require_sound(chain: Chain, where: str) -> None:
    """Raise a DataError that names a trail's first fault: nothing is added to a damaged one."""
    if chain.faults:
        raise DataError(
            f"{where}: the audit trail is damaged: {chain.faults[0]}; keep it as evidence: move it "
            "aside, and the next writer begins another from the rollouts' records"
        )

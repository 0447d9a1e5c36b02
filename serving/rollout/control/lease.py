"""Keeps two controllers apart: whoever holds a service's lease works on its rollout.

The lease saves work; that a rollout stays whole rests on compare-and-swap alone.
"""

from typing import Protocol

SECONDS = 15
"""After which a holder in a cluster that has not renewed has lost it."""


class Lease(Protocol):
    """One service's."""

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it."""

    def release(self) -> None:
        """Give the lease back, if it is held."""


class NoLease:
    """For what must not wait for another, such as a person's rollback; it is always held."""

    def hold(self) -> bool:
        """Return True."""
        return True

    def release(self) -> None:
        """Do nothing."""

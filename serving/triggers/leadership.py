"""Which of several servers on one store starts runs.

On a file it is the one server that there may be. On PostgreSQL it is whoever has an advisory lock
of a session, which ends with the connection, and so with a process that is killed.

Source: PostgreSQL documentation, "Advisory Locks".
"""

from collections.abc import Callable
from pathlib import Path

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.databases.database import Database
from kanaria.serving.file_lease import FileLease
from kanaria.serving.triggers.trigger_database import is_postgresql, open_database

LOCK = 0x74726967676572
"""The letters of `trigger`."""
HOLD = f"SELECT pg_try_advisory_lock({LOCK})"


def leads_file(location: str) -> Callable[[], bool]:
    """Return what tells that this server leads, which is so as long as it lives.

    Raises:
        NotReadyError: another server has the file.
    """
    lease = FileLease(Path(f"{location}.lock"))
    if not lease.hold():
        raise NotReadyError(
            f"store {location}: another trigger server uses it; end that, or name a PostgreSQL, "
            "which several may use"
        )
    return lease.hold


class PostgresqlLeadership:
    """Holds the lock by a connection of its own; lives in one thread."""

    def __init__(self, location: str) -> None:
        """Use the database at `location`."""
        self._location = location
        self._database: Database | None = None

    def __call__(self) -> bool:
        """Tell whether this server leads.

        Raises:
            StoreError: the database does not answer.
        """
        if self._database is None:
            self._database = open_database(self._location, write=False)
        # A session that has it gets it again, and one that was cut off has lost it.
        ((held,),) = self._database.execute(HOLD)
        return bool(held)


def leadership(location: str) -> Callable[[], bool]:
    """Return what tells whether this server is to start runs.

    Raises:
        NotReadyError: another server has the file.
    """
    return PostgresqlLeadership(location) if is_postgresql(location) else leads_file(location)

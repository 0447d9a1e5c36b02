"""Opens a store by its location."""

from pathlib import Path

from kanaria.serving.drift_server.reading import Reader
from kanaria.serving.drift_server.store import Retention, Store

USUAL = Retention()


def open_store(location: str, retention: Retention = USUAL) -> Store:
    """Open a store for writing; it is made where there is none.

    Args:
        location: path of a SQLite file.
        retention: how much of it is kept.

    Raises:
        ParameterError: it cannot be opened, or is no store of this version.
    """
    return Store(Path(location), retention)


def open_reader(location: str) -> Reader:
    """Open a store, which `open_store` has made, for reading.

    Args:
        location: path of a SQLite file.
    """
    return Reader(Path(location))

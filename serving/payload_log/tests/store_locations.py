"""Stores of both kinds: files, and databases of a real PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pgserver
import pytest


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory) -> Iterator[pgserver.PostgresServer]:
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def new_database(postgresql) -> Callable[[], str]:
    """Make an empty database and return its location."""
    numbers = itertools.count()
    (folder,) = parse_qs(urlsplit(postgresql.get_uri()).query)["host"]

    def make() -> str:
        name = f"store_{next(numbers)}"
        postgresql.psql(f"CREATE DATABASE {name};")
        return f"postgresql://postgres@/{name}?host={folder}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_location(request, tmp_path, new_database) -> Callable[[], str]:
    """Return the location of a store that is not there yet."""
    numbers = itertools.count()
    if request.param == "postgresql":
        return new_database
    return lambda: str(tmp_path / f"events-{next(numbers)}.db")


@pytest.fixture
def location(new_location) -> str:
    return new_location()

"""Stores of both kinds: files, and databases of a real PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pgserver
import pytest


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Make an empty database and return its location."""
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    numbers = itertools.count()
    (folder,) = parse_qs(urlsplit(server.get_uri()).query)["host"]

    def make() -> str:
        name = f"triggers_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name};")
        return f"postgresql://postgres@/{name}?host={folder}"

    yield make
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the location of a store that is not there yet."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_database")())
    return str(tmp_path / "triggers.sqlite")

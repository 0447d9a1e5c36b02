"""One server on SQLite and one on PostgreSQL for all tests, but for those that stop it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pgserver
import pytest
from mlflow_server import Records, mlflow_server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URI of a server; take names of your own."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        database = f"sqlite:///{folder}/mlflow.db"
        if request.param == "postgresql":
            postgresql = pgserver.get_server(folder / "pg")
            stack.callback(postgresql.cleanup)
            # SQLAlchemy 2.1 takes a bare postgresql:// for psycopg 3.
            database = postgresql.get_uri().replace("postgresql://", "postgresql+psycopg2://")
        yield stack.enter_context(mlflow_server(folder, database))


@pytest.fixture
def records(server: str) -> Iterator[Records]:
    """What the server has."""
    with closing(Records(server)) as records:
        yield records


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACKING_URI", "RUN_ID", "TRACKING_TOKEN", "TRACKING_USERNAME"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)

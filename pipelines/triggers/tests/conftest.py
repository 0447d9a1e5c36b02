from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pgserver
import pytest
import trigger_toy
from kfp import compiler
from kfp_contract import Contract, serving
from kfp_state import Frame


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KF_PIPELINES_ENDPOINT", "KFP_EXISTING_TOKEN", "KFP_COOKIES", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("KANARIA_TRIGGER_TOKEN", "KANARIA_TRIGGER_TOKEN_FILE", "KANARIA_DRIFT_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")


@pytest.fixture
def contract() -> Iterator[Contract]:
    with serving() as contract:
        contract.state.frames = (Frame("SUCCEEDED"),)
        yield contract


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled pipeline that is told what started it."""
    path = tmp_path_factory.mktemp("pipeline") / "announcing.yaml"
    compiler.Compiler().compile(trigger_toy.announcing, str(path))
    return path


@pytest.fixture(scope="session")
def new_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Make an empty database and return its location."""
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    (folder,) = parse_qs(urlsplit(server.get_uri()).query)["host"]
    names = iter(f"triggers_{number}" for number in range(100))

    def make() -> str:
        name = next(names)
        server.psql(f"CREATE DATABASE {name};")
        return f"postgresql://postgres@/{name}?host={folder}"

    yield make
    server.cleanup()

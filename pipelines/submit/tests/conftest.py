import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import submit_toy
from kfp import compiler
from kfp_contract import Contract, serving

from kanaria.pipelines.submit.kfp_client import Server


@pytest.fixture(autouse=True, scope="session")
def hears_ctrl_c() -> Iterator[None]:
    """What a shell runs in the background ignores Ctrl-C, and so would the processes of tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def contract() -> Iterator[Contract]:
    with serving() as contract:
        yield contract


@pytest.fixture
def server(contract: Contract) -> Server:
    return Server(contract.url)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KF_PIPELINES_ENDPOINT", "KFP_EXISTING_TOKEN", "KFP_COOKIES", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small compiled pipeline with a file, data, a branch and a loop."""
    path = tmp_path_factory.mktemp("pipeline") / "taste.yaml"
    compiler.Compiler().compile(submit_toy.taste, str(path))
    return str(path)


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    module = tmp_path / "my_module.py"
    module.write_text("x = 1\n")
    return {"data": "s3://bucket/data/*.csv", "module_file": str(module)}


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A pipeline root that is a folder; object stores have tests of their own."""
    return f"file://{tmp_path}/artifacts"

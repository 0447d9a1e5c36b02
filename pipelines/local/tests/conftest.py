import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy
from toy_runner import Runner, compiled


@pytest.fixture(autouse=True, scope="session")
def hears_ctrl_c() -> Iterator[None]:
    """What a shell runs in the background ignores Ctrl-C, and so would the processes of tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def toy_document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(toy.toy, tmp_path_factory.mktemp("toy"))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("hello")
    return path

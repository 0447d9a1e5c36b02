from pathlib import Path
from typing import Any

import pytest
import toy
from toy_runner import Runner, compiled


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

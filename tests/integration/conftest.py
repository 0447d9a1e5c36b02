import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace import Workspace

TAXI = Path(__file__).parent / "taxi"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("taxi")
    for name in ("taxi_module.py", "eval_config.pbtxt", "train.yaml"):
        shutil.copy(TAXI / name, folder)
    subprocess.run([sys.executable, TAXI / "make_data.py", folder / "taxi.csv", "2000"], check=True)
    return Workspace(folder)


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[str]:
    """The local server over the workspace's services; yields its URL."""
    with workspace.serving() as url:
        yield url

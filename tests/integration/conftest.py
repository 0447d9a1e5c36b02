import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace import KANARIA, START_SECONDS, Workspace

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
    state = workspace.root / "serving"
    state.mkdir(parents=True)
    process = subprocess.Popen([KANARIA, "serve", "--state", state, "--port", "0"])
    file = state / "server.json"
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield json.loads(file.read_text())["url"]
    process.terminate()
    process.wait()

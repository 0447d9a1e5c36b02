import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace import KANARIA, Workspace

TAXI = Path(__file__).parent / "taxi"


@pytest.fixture(scope="session")
def runtime() -> Iterator[Path]:
    """A folder where runs share one training process, which imports TensorFlow once for all."""
    # No folder of pytest's: the name of a socket is short.
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        yield Path(folder)
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
        subprocess.run([KANARIA, "runs", "stop-warm"], env=environment, check=True)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Workspace:
    folder = tmp_path_factory.mktemp("taxi")
    for name in ("taxi_module.py", "eval_config.pbtxt", "train.yaml"):
        shutil.copy(TAXI / name, folder)
    subprocess.run([sys.executable, TAXI / "make_data.py", folder / "taxi.csv", "2000"], check=True)
    return Workspace(folder, runtime)


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[str]:
    """The local server over the workspace's services; yields its URL."""
    with workspace.serving() as url:
        yield url

import subprocess
import sys
from pathlib import Path

import pytest

KANARIA = Path(sys.executable).with_name("kanaria")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `kanaria init my-project` makes."""
    folder = tmp_path_factory.mktemp("work")
    subprocess.run([KANARIA, "init", "my-project"], cwd=folder, check=True, capture_output=True)
    return folder / "my-project"

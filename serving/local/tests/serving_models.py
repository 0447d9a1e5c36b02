"""Models that every test of serving may use; made once, in a process of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

MAKE_MODELS = Path(__file__).with_name("make_models.py")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with SavedModels.

    `one` adds 100 and `two` 200; `plain` and `better` add to x alone; `failing` ends 4 % of its
    calls with an error, `slow` takes tens of milliseconds, and `broken` does not load.
    Where x is uniform and the truth is 1, `serving` is right in 90 %; `alike` differs from it in
    0.2 % of rows, `equal` and `worse` in 6 %, and `worse` is right in 88 %.
    """
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, MAKE_MODELS, folder], check=True, capture_output=True)
    return folder

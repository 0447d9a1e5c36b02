"""Usage: shared_helpers.py FOLDER   Links the helpers that tests share into one folder, for mypy.

They are the modules of the folders that pytest is told as `pythonpath`, which tests import by name;
what pytest itself finds (tests, fixtures) is no helper, and pipelines of tests are KFP's to read.
"""

import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_HELPERS = ("test_", "conftest", "toy")


def main() -> None:
    """Make the folder anew."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for folder in settings["tool"]["pytest"]["ini_options"]["pythonpath"]:
        for file in (ROOT / folder).glob("*.py"):
            if not file.name.startswith(NO_HELPERS):
                (target / file.name).symlink_to(file)


if __name__ == "__main__":
    main()

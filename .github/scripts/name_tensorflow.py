"""Lets tensorflow-cpu be found under the name of tensorflow.

Usage: name_tensorflow.py SITE_PACKAGES   (after each installation into that environment)
"""

import sys
from pathlib import Path


def name_tensorflow(packages: Path) -> None:
    """Let tensorflow-cpu, the same modules under another name, be found as tensorflow, too.

    Else whoever asks for the version of tensorflow finds none, and an installer brings it again for
    every package that needs it.
    """
    for info in list(packages.glob("tensorflow_cpu-*.dist-info")):
        alias = info.with_name(info.name.replace("tensorflow_cpu", "tensorflow"))
        version = info.stem.partition("-")[2]
        alias.mkdir(exist_ok=True)
        (alias / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: tensorflow\nVersion: {version}\n"
            f"Requires-Dist: tensorflow-cpu=={version}\n"
        )
        (alias / "RECORD").write_text(f"{alias.name}/METADATA,,\n{alias.name}/RECORD,,\n")


if __name__ == "__main__":
    name_tensorflow(Path(sys.argv[1]))

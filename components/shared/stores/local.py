"""What `kanaria.components.shared.storage` promises, for paths of this machine."""

import glob
import shutil
from pathlib import Path

from kanaria.components.shared import atomic, fingerprint
from kanaria.components.shared.errors import NotReadyError, shown


def matches(path: Path) -> list[str]:
    """Return the sorted files that a path, taken as a pattern, names."""
    if path.is_file():  # Also a name that holds brackets.
        return [str(path)]
    # Path.glob would also match hidden files, such as an editor's copies.
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207
    # `a.csv/**` finds "a.csv/", which is no name of a file.
    return sorted({name for name in names if name[-1] != "/" and Path(name).is_file()})


def exists(path: Path) -> bool:
    """Tell whether there is a file, or a folder with at least one file in it."""
    return path.is_file() or any(below.is_file() for below in path.rglob("*"))


def publish(source: Path, path: Path) -> None:
    """Copy a file or a folder to a path, whole or not at all, and verify the copy.

    Raises:
        NotReadyError: the copy differs, or the disk is full.
    """
    with atomic.published(path) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary)
        else:
            shutil.copyfile(source, temporary)
        if fingerprint.of_tree(temporary) != fingerprint.of_tree(source):
            raise NotReadyError(
                f"uri={shown(str(path))}: the copy differs from {shown(str(source))}; "
                "look whether something changes it, and at the disk, and run again"
            )

"""What `kanaria.components.shared.storage.uri_files` promises, for paths of this machine."""

import glob
import shutil
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import NotReadyError, shown
from kanaria.components.shared.storage import atomic, key_patterns


def matches(path: Path) -> list[str]:
    """Return the sorted files that a path, taken as a pattern, names."""
    if path.is_file():  # Also a name that holds brackets.
        return [str(path)]
    pattern = str(path)
    # Path.glob would find no files for a `**` at the end.
    names = set(glob.glob(pattern, recursive=True))  # noqa: PTH207
    fitting = [name for name in names if key_patterns.fits(pattern.lstrip("/"), name.lstrip("/"))]
    return sorted(name for name in fitting if Path(name).is_file())


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

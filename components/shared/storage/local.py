"""What `kanaria.components.shared.storage.uri_files` promises, for paths of this machine."""

import glob
import shutil
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, NotReadyError, shown
from kanaria.components.shared.one_line import one_line
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


def copied(source: Path, folder: Path) -> Path:
    """Copy a file or a folder into `folder`, whole or not at all; links stay links.

    Raises:
        DataError: something in it cannot be read, or is neither a file nor a folder.
        NotReadyError: the disk is full.
    """
    target = folder / source.name
    with atomic.published(target) as temporary:
        try:
            if source.is_dir():
                shutil.copytree(source, temporary, symlinks=True)
            else:
                shutil.copyfile(source, temporary)
        except shutil.Error as error:  # All of a tree that it could not copy, a line each.
            why = one_line(error)
            raise DataError(f"uri={shown(str(source))}: cannot be copied: {why}") from error
    return target


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

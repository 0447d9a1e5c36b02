"""Atomic outputs: a path either holds a whole result or does not exist."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.errors import NotReadyError

FULL = (errno.ENOSPC, errno.EDQUOT)


def remove(path: Path) -> None:
    """Remove the file or the folder at `path`; a path that does not exist is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush `path` (a file, or every file below a folder) to the disk."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def published(target: str | Path) -> Iterator[Path]:
    """Yield a temporary sibling of `target` that is renamed to it when the block succeeds.

    The block creates a file or a folder at the yielded path. If it raises, the temporary
    is removed and `target` stays as it was. An old `target` is replaced.

    Args:
        target: final path of a file or folder; its parent is created.

    Raises:
        FileNotFoundError: the block wrote nothing.
        NotReadyError: the disk is full.
        OSError: the disk refused for another reason.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield temporary
        _sync(temporary)
        if temporary.is_dir():
            remove(target)  # rename(2) replaces a file, but only an empty folder.
        temporary.rename(target)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NotReadyError(
            f"{target}: {error.strerror} ({target.parent}); free some and run again"
        ) from error
    finally:
        remove(temporary)


def write_text(target: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `target` atomically."""
    with published(target) as temporary:
        temporary.write_text(text, encoding="utf-8")

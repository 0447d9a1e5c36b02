"""Folders and files that are the user's alone, 0700 and 0600, whatever the umask is.

For what a program keeps: runs, logs, reusable results, the state of local serving, rollouts, event
stores. They hold rows of data and what clients sent. Files that a person asks for by name, such as
`-o report.html`, and releases, which others serve, are made as the umask says. What is there
already keeps its permissions: somebody may have opened it to others on purpose.
"""

import os
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared.storage import atomic

FOLDER, FILE = 0o700, 0o600


def folder(path: Path) -> Path:
    """Make the folder, and those above it, where there is none; return it."""
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        try:
            missing.mkdir(FOLDER)
        except FileExistsError:  # Another process made it meanwhile.
            continue
        missing.chmod(FOLDER)
    return path


def opened(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file as `open` does; where it is made, it is the user's alone."""
    return open(path, mode, opener=_made, **options)  # Path.open takes no opener.


def _made(name: str, flags: int) -> int:
    is_new = not os.path.lexists(name)
    descriptor = os.open(name, flags, FILE)
    if is_new:
        os.fchmod(descriptor, FILE)
    return descriptor


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8 to `target` atomically, in a private folder and file."""
    folder(target.parent)
    with atomic.published(target) as temporary, opened(temporary, "w", encoding="utf-8") as file:
        file.write(text)

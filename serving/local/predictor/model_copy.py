"""Copies a revision's model from an object store, once a URI, as KServe's storage initializer.

A process of its own copies: it can be ended at any time and takes no time from the router.
"""

import asyncio
import fcntl
import os
import sys
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.process_lifeline import die_with
from kanaria.components.shared.storage import atomic, private, uri_files

LOCK = "lock"


def folder(uri: str, copies: Path) -> Path:
    """Return where the model at `uri` lies on this machine, or will when it is copied."""
    if not uri_files.is_remote(uri):
        return uri_files.local_path(uri)
    return copies / fingerprint.of_text(uri)[:16] / uri.rstrip("/").rpartition("/")[2]


async def made(uri: str, copies: Path, log: Path) -> bool:
    """Return whether the model at `uri` lies in its folder; why it does not ends the log."""
    if not uri_files.is_remote(uri) or folder(uri, copies).is_dir():
        return True
    with private.opened(log, "ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, uri, str(copies), str(os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is the server's to handle.
        )
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


def copy(uri: str, copies: Path) -> None:
    """Copy the model into its folder, whole or not at all, unless it is there.

    Raises:
        KanariaError: as `uri_files.fetched` does.
    """
    target = folder(uri, copies)
    private.folder(target.parent)
    with private.opened(target.parent / LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in target.parent.glob(".*.partial"):  # A copy that was ended left it.
            atomic.remove(rest)
        if not target.is_dir():
            uri_files.fetched(uri, target.parent)


def main() -> None:
    """Copy for the server whose process id is the last argument."""
    uri, copies, server = sys.argv[1:]
    die_with(int(server))
    try:
        copy(uri, Path(copies))
    except KanariaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Copies a revision's model from an object store, once a URI, as KServe's storage initializer.

Where releases must be signed (`KANARIA_VERIFY_KEY`), a model of this machine is copied too, and the
copy, which is what is loaded, is verified at every load.

A process of its own does both: it can be ended at any time and takes no time from the router.
"""

import asyncio
import fcntl
import os
import sys
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint, release, verified_release, verify_keys
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.components.shared.process_lifeline import die_with
from kanaria.components.shared.storage import atomic, owner_only_files, uri_files

LOCK = "lock"
BESIDE = (release.SIGNATURE, release.LINEAGE)
"""What is copied with a model to verify it."""


def folder(uri: str, copies: Path) -> Path:
    """Return where the model at `uri` lies on this machine, or will when it is copied."""
    if not uri_files.is_remote(uri) and not is_verified():
        return uri_files.local_path(uri)
    return copies / fingerprint.of_text(uri)[:16] / uri.rstrip("/").rpartition("/")[2]


def is_verified() -> bool:
    """Tell whether this process' environment wants releases signed."""
    return bool(os.environ.get(verify_keys.VERIFY_KEY))


async def made(uri: str, copies: Path, log: Path) -> bool:
    """Return whether the model at `uri` lies in its folder, signed where it must be.

    Why it does not ends the log.
    """
    is_there = not uri_files.is_remote(uri) or folder(uri, copies).is_dir()
    if is_there and not is_verified():
        return True
    with owner_only_files.opened(log, "ab") as output:
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
    """Copy the model into its folder, whole or not at all, unless it is there; verify the copy.

    A copy that is not the signed model is removed: the next attempt takes it from the store anew.

    Raises:
        KanariaError: as `uri_files.fetched` and `verified_release.taken` do.
    """
    target = folder(uri, copies)
    owner_only_files.folder(target.parent)
    with owner_only_files.opened(target.parent / LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in target.parent.glob(".*.partial"):  # A copy that was ended left it.
            atomic.remove(rest)
        if keys := verify_keys.of_environment():
            _verified(uri, target, keys)
        elif not target.is_dir():
            uri_files.fetched(uri, target.parent)


def _verified(uri: str, target: Path, keys: VerifyKeys) -> None:
    try:
        if not verified_release.taken(release.of_model(uri), target.name, target.parent, keys):
            raise DataError(f"{uri}: no model in this release; look at storageUri")
    except DataError:
        for path in (target, *(target.parent / name for name in BESIDE)):
            atomic.remove(path)
        raise


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

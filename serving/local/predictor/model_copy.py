"""Copies a revision's model from an object store, once a URI, as KServe's storage initializer.

Where models must be signed (`KANARIA_VERIFY_KEY`), what is about to be loaded is verified, at every
load: the copy, or the files of this machine where they lie.

A process of its own does both: it can be ended at any time and takes no time from the router.
"""

import asyncio
import fcntl
import os
import sys
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint, model_signature, release
from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.components.shared.process_lifeline import die_with
from kanaria.components.shared.storage import atomic, owner_only_files, uri_files
from kanaria.serving import signature_keys

LOCK = "lock"


def folder(uri: str, copies: Path) -> Path:
    """Return where the model at `uri` lies on this machine, or will when it is copied."""
    if not uri_files.is_remote(uri):
        return uri_files.local_path(uri)
    return copies / fingerprint.of_text(uri)[:16] / uri.rstrip("/").rpartition("/")[2]


async def made(uri: str, copies: Path, log: Path) -> bool:
    """Return whether the model at `uri` lies in its folder, signed where it must be.

    Why it does not ends the log.
    """
    is_there = not uri_files.is_remote(uri) or folder(uri, copies).is_dir()
    if is_there and not signature_keys.is_asked_for():
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
    """Copy the model into its folder, whole or not at all, unless it is there.

    Raises:
        KanariaError: as `uri_files.fetched` does.
    """
    target = folder(uri, copies)
    owner_only_files.folder(target.parent)
    with owner_only_files.opened(target.parent / LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in target.parent.glob(".*.partial"):  # A copy that was ended left it.
            atomic.remove(rest)
        if not target.is_dir():
            uri_files.fetched(uri, target.parent)


def verify(uri: str, copies: Path, key: Path) -> None:
    """Raise unless the model in its folder is the one that was signed.

    The signature is copied like the model. When they do not belong together, the copies are
    removed: the next attempt takes both from the store anew.

    Raises:
        KanariaError: as `model_signature.verify` and `uri_files.fetched` do.
    """
    model, signature = folder(uri, copies), release.signature_uri(uri)
    if not uri_files.is_remote(uri):
        if not uri_files.exists(signature):
            raise DataError(f"{uri}: not signed: there is no {signature}; publish it signed")
        model_signature.verify(model, uri_files.local_path(signature), key, uri)
        return
    copied = model.parent / release.SIGNATURE
    if not copied.is_file():
        uri_files.fetched(signature, model.parent)
    try:
        model_signature.verify(model, copied, key, uri)
    except DataError:
        atomic.remove(copied)
        atomic.remove(model)
        raise


def main() -> None:
    """Copy for the server whose process id is the last argument."""
    uri, copies, server = sys.argv[1:]
    die_with(int(server))
    try:
        if uri_files.is_remote(uri):
            copy(uri, Path(copies))
        if key := signature_keys.of_environment():
            verify(uri, Path(copies), key)
    except KanariaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

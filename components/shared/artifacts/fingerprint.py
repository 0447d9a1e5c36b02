"""Content fingerprints: SHA-256 over bytes, never over times or paths outside the tree."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath


def of_file(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_tree(path: Path) -> str:
    """Return the fingerprint of a file, or of a folder's relative names and contents.

    Two folders have equal fingerprints if and only if they hold the same relative file
    names with the same bytes; empty folders, times and modes do not count.
    """
    if path.is_file():
        return of_file(path)
    files = [file for file in path.rglob("*") if file.is_file()]
    return of_files({file.relative_to(path).as_posix(): of_file(file) for file in files})


def of_files(files: Mapping[str, str]) -> str:
    """Return the fingerprint of a folder from relative file name -> SHA-256 of its bytes."""
    digest = hashlib.sha256()
    for name in sorted(files, key=PurePosixPath):
        digest.update(f"{name}\0{files[name]}\n".encode())
    return digest.hexdigest()


def of_text(*parts: str) -> str:
    """Return the SHA-256 of the parts, each kept apart from the next."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()

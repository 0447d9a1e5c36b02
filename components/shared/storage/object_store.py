"""What a store of objects can do, and how it fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class StoreError(Exception):
    """An operation failed; the message is the store's reason, on one line, without secrets."""


class PassingError(StoreError):
    """It may work when tried again: connection lost, 429, 5xx, an incomplete or damaged copy."""


class AbsentError(StoreError):
    """There is no such object."""


class RefusedError(StoreError):
    """Trying again is no use: credentials, permissions, no such bucket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """What a store tells about an object.

    Attributes:
        size: bytes.
        checksums: algorithm (see `checksums.Meter`) -> value that the store computed.
        sha256: 64 hexadecimal digits that the writer recorded, or "".
    """

    size: int
    checksums: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


class Store(Protocol):
    """One bucket. An object appears whole or not at all; every method may raise StoreError."""

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all objects that begin with `prefix`, but no folder markers."""

    def stat(self, key: str) -> ObjectInfo | None:
        """Return what is known about an object, or None when there is none."""

    def read(self, key: str, write: Callable[[bytes], object]) -> None:
        """Call `write` with the object's stored bytes, piece by piece.

        Raises:
            AbsentError: there is no such object.
        """

    def tail(self, key: str, most: int) -> bytes:
        """Return the last `most` stored bytes of an object, or all of a smaller one.

        Raises:
            AbsentError: there is no such object.
        """

    def upload(self, path: Path, key: str, sha256: str) -> None:
        """Write the file to the object, and record the file's SHA-256 with it."""

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""

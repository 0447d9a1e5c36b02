"""Measures bytes on their way: size, SHA-256, and the checksums that stores compute."""

import base64
import hashlib
from pathlib import Path
from typing import Protocol

from kanaria.components.shared.storage.object_store import ObjectInfo, PassingError

PIECE = 1 << 20
"""Bytes read at once."""

MAX_PARTS = 10_000
"""Parts an S3 upload may have."""


def part_size(size: int) -> int:
    """Return the bytes of each part of an upload to S3 of `size` bytes: at least 8 MiB."""
    return max(8 << 20, -(-size // MAX_PARTS))


class _Checksum(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Parts:
    """MD5 of the MD5s of equal parts, which S3 gives to what was uploaded in parts."""

    def __init__(self, size: int) -> None:
        self._size, self._rest = size, size
        self._part, self._digests = hashlib.md5(usedforsecurity=False), b""

    def update(self, data: bytes, /) -> None:
        while data:
            if not self._rest:
                self._digests += self._part.digest()
                self._part, self._rest = hashlib.md5(usedforsecurity=False), self._size
            piece, data = data[: self._rest], data[self._rest :]
            self._part.update(piece)
            self._rest -= len(piece)

    def digest(self) -> bytes:
        return hashlib.md5(self._digests + self._part.digest(), usedforsecurity=False).digest()


def _started(algorithm: str, size: int) -> _Checksum:
    if algorithm == "crc32c":
        import google_crc32c  # Comes with google-cloud-storage; only its store gives this one.

        checksum: _Checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
        return checksum
    if algorithm == "md5-parts":
        return _Parts(part_size(size))
    return hashlib.md5(usedforsecurity=False)


class Meter:
    """Measures one reading of an object or of a file.

    The algorithms are those a store has given: "md5", "crc32c" and "md5-parts" (of parts of
    `part_size`). Values are compared as base64 text.
    """

    def __init__(self, info: ObjectInfo) -> None:
        """Measure what is needed to compare with `info`."""
        self._info, self.size, self._sha256 = info, 0, hashlib.sha256()
        self._checksums = {name: _started(name, info.size) for name in info.checksums}

    def update(self, data: bytes) -> None:
        """Take the next piece."""
        self.size += len(data)
        self._sha256.update(data)
        for checksum in self._checksums.values():
            checksum.update(data)

    @property
    def sha256(self) -> str:
        """The SHA-256 of all pieces as 64 hexadecimal digits."""
        return self._sha256.hexdigest()

    def measured(self) -> dict[str, str]:
        """Return algorithm -> checksum of the pieces."""
        return {name: text(checksum.digest()) for name, checksum in self._checksums.items()}

    def agreements(self) -> dict[str, bool]:
        """Return algorithm -> whether the store's checksum is that of the pieces."""
        measured = self.measured()
        return {name: measured[name] == value for name, value in self._info.checksums.items()}

    def check(self) -> None:
        """Raise PassingError unless the pieces are the whole object, undamaged."""
        if self.size != self._info.size:
            raise PassingError(f"got {self.size} of {self._info.size} bytes")
        if self._info.sha256:
            differing = [] if self._info.sha256 == self.sha256 else ["sha256"]
        else:
            # Whoever wrote it may have used parts of another size.
            agreements = self.agreements()
            differing = [
                name for name, same in agreements.items() if not same and name != "md5-parts"
            ]
        if differing:
            raise PassingError(f"{differing[0]} of the copy differs from the original's")


def text(digest: bytes) -> str:
    """Return a digest as base64."""
    return base64.b64encode(digest).decode()


def of_file(path: Path, info: ObjectInfo) -> Meter:
    """Return the measure of a file that is to be compared with `info`."""
    meter = Meter(info)
    with path.open("rb") as file:
        while data := file.read(PIECE):
            meter.update(data)
    return meter

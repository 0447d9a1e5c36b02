"""TFRecord files, plain or gzip, as byte strings: TensorFlow's framing without TensorFlow.

A record is its length (8 bytes), the masked CRC-32C of the length, the bytes, and their masked
CRC-32C, all little-endian, as tensorflow.org/tutorials/load_data/tfrecord describes. TensorFlow
itself would read it too, for seven seconds of import in steps that need nothing else of it.
"""

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

import google_crc32c

from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError

HEADER = struct.Struct("<QI")
CHECKSUM = struct.Struct("<I")
GZIP_MAGIC = b"\x1f\x8b"
GZIP_LEVEL = 1
"""Half the time of the default level, for files that are a tenth larger."""


class _BrokenError(Exception):
    """What is wrong with the record that is being read."""


def _masked(data: bytes) -> bytes:
    checksum = google_crc32c.value(data)
    turned = (checksum >> 15 | checksum << 17) + 0xA282EAD8
    return CHECKSUM.pack(turned & 0xFFFFFFFF)


def _is_gzip(path: Path) -> bool:
    """Tell by content; a plain file, whose first length may look like gzip, has its checksum."""
    with path.open("rb") as file:
        start = file.read(HEADER.size)
    return start.startswith(GZIP_MAGIC) and _masked(start[:8]) != start[8:]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if _is_gzip(path) else file


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise _BrokenError("is cut off")
    return data


def _next(file: IO[bytes]) -> bytes | None:
    """Return the bytes of the next record, or None at the end of the file."""
    try:
        start = file.read(1)
        if not start:
            return None
        header = start + _exactly(file, HEADER.size - 1)
        if _masked(header[:8]) != header[8:]:
            raise _BrokenError("has a length that does not fit its checksum")
        length, _ = HEADER.unpack(header)
        data = _exactly(file, length)
        if _masked(data) != _exactly(file, CHECKSUM.size):
            raise _BrokenError("does not fit its checksum")
    except EOFError as error:
        raise _BrokenError("is cut off") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _BrokenError(f"is no readable gzip ({error})") from error
    return data


def records(file: DataFile) -> Iterator[bytes]:
    """Yield the records of a file in order; whether it is gzip is told by its content.

    Raises:
        DataError: a record is cut off or does not fit its checksum; records count from 1.
    """
    number = 1
    with _opened(file.path) as opened:
        while True:
            try:
                data = _next(opened)
            except _BrokenError as error:
                raise DataError(
                    f"{file.uri}: record {number} {error}; write the file again as TFRecord"
                ) from error
            if data is None:
                return
            yield data
            number += 1


class GzipWriter:
    """Writes records as a gzip TFRecord file; equal records give equal bytes."""

    def __init__(self, path: Path) -> None:
        """Begin the file; whoever does so closes it."""
        self._file = path.open("wb")
        # Without a name and a time, as gzip would otherwise put both into the file.
        self._packed = gzip.GzipFile(
            "", "wb", compresslevel=GZIP_LEVEL, fileobj=self._file, mtime=0
        )

    def write(self, record: bytes) -> None:
        """Add a record."""
        length = struct.pack("<Q", len(record))
        self._packed.write(b"".join((length, _masked(length), record, _masked(record))))

    def close(self) -> None:
        """End the file."""
        try:
            self._packed.close()
        finally:
            self._file.close()


def write_gzip(path: Path, data: Iterable[bytes]) -> None:
    """Write records as a gzip TFRecord file."""
    with closing(GzipWriter(path)) as writer:
        for record in data:
            writer.write(record)

"""The text of a CSV file in pieces of whole records: whether it is text, and how it is quoted.

Quoting is that of RFC 4180: a value that begins with a quote ends with the next one that is not
doubled. A quote within a value that does not begin with one is a character like any other.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from kanaria.components.ingest import csv_quotes, text_lines
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError

PIECE_BYTES = 4 << 20
"""How much is read at once; more where one record is longer."""

OTHER_KINDS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "Parquet",
}
"""How files begin that only bear the name of a CSV file."""
LONGEST_KIND = max(map(len, OTHER_KINDS))


class Record(NamedTuple):
    """One record: the line on which it begins, that of the next one, and its values."""

    line: int
    next_line: int
    values: list[str]


class _Text:
    """Reads the bytes of a file one after the other and refuses what is not UTF-8."""

    def __init__(self, file: DataFile, opened: IO[bytes]) -> None:
        self._file, self._opened = file, opened
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._end = 0

    def begin(self) -> bytes:
        """Return the first bytes, without the mark that some programs begin a text with."""
        data = self._opened.read(LONGEST_KIND)
        for start, kind in OTHER_KINDS.items():
            if data.startswith(start):
                raise DataError(
                    f"{self._file.uri}:1: is {kind}, no CSV text; save it as CSV in UTF-8"
                )
        return self._checked(data).removeprefix(codecs.BOM_UTF8)

    def read(self, size: int) -> bytes:
        """Return the next bytes, about `size`; a line end of two characters stays whole."""
        return self._checked(text_lines.whole_ends(self._opened, size))

    def _checked(self, data: bytes) -> bytes:
        pending = self._decoder.getstate()[0]
        if pending or not data or not data.isascii():
            try:
                self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise self._not_utf8(self._end - len(pending) + error.start) from error
        if (place := data.find(b"\0")) >= 0:
            line, _ = text_lines.line_at(self._file.path, self._end + place)
            raise DataError(
                f"{self._file.uri}:{line}: holds a zero byte, which no text has; "
                "save the file as CSV in UTF-8"
            )
        self._end += len(data)
        return data

    def _not_utf8(self, place: int) -> DataError:
        line, start = text_lines.line_at(self._file.path, place)
        wrong = text_lines.bytes_at(self._file.path, place, 1)
        return DataError(
            f"{self._file.uri}:{line}: byte {place - start + 1} of the line, 0x{wrong.hex()}, is "
            "not UTF-8; save the file as UTF-8"
        )


def check_begin(file: DataFile) -> None:
    """Raise DataError if what a file begins with is no text in UTF-8."""
    with file.path.open("rb") as opened:
        text = _Text(file, opened)
        text.begin()
        text.read(PIECE_BYTES)


def pieces(file: DataFile, separator: str) -> Iterator[bytes]:
    """Yield the text of a file, each time as many whole records as fit.

    Raises:
        DataError: it is no text, or not UTF-8; the message names the first such byte. Or a quote
            is not closed where its value ends.
    """
    quotes = csv_quotes.Quotes(file, separator)
    with file.path.open("rb") as opened:
        text = _Text(file, opened)
        data, size = text.begin(), PIECE_BYTES
        while read := text.read(size):
            data += read
            end = quotes.records_end(data)
            # A record that is longer is looked at anew each time, so each time twice as much.
            size = PIECE_BYTES if end else max(PIECE_BYTES, len(data))
            if end:
                yield data[:end]
                quotes.passed(end)
                data = data[end:]
    quotes.check_end(data)
    if data:
        yield data


class WholeRecords:
    """The text of a file in pieces of whole records, walked for its quotes once.

    Each later reading takes the same pieces by their sizes.
    """

    def __init__(self, file: DataFile, separator: str) -> None:
        """Name the file; nothing is read yet."""
        self.file, self.separator = file, separator
        self._sizes: tuple[int, ...] = ()

    def pieces(self) -> Iterator[bytes]:
        """Yield the pieces.

        Raises:
            DataError: as the function `pieces` does, at the first reading.
        """
        if self._sizes:
            yield from self._again()
            return
        sizes = []
        for piece in pieces(self.file, self.separator):
            sizes.append(len(piece))
            yield piece
        self._sizes = tuple(sizes)

    def _again(self) -> Iterator[bytes]:
        with self.file.path.open("rb") as opened:
            if opened.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                opened.seek(0)
            for size in self._sizes:
                yield opened.read(size)


def records(path: Path, separator: str) -> Iterator[Record]:
    """Yield the records; blank lines are skipped, but in a file of one column they are values.

    Slow: for the header and for messages.
    """
    csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size))  # It has 131,072.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        line, columns = 1, 0
        for values in reader:
            record = values or ([""] if columns == 1 else [])
            if record:
                columns = columns or len(record)
                yield Record(line, reader.line_num + 1, record)
            line = reader.line_num + 1


def row_line(path: Path, separator: str, row: int) -> int:
    """Return the line on which a row begins; `row` 0 is the first below the header."""
    return next(islice(records(path, separator), row + 1, None)).line


def line_start(data: bytes, line: int) -> int:
    """Return the position of the first byte of a line, the end of the data behind the last."""
    ends = (match.end() for match in re.finditer(text_lines.LINE_END, data))
    return next(islice(ends, line - 2, None), len(data)) if line > 1 else 0

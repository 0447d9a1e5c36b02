"""The bytes of a CSV file: whether they are text, how they are quoted, what stands in each record.

Quoting is that of RFC 4180: a value that begins with a quote ends with the next one that is not
doubled. A quote within a value that does not begin with one is a character like any other.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

PIECE_BYTES = 16 << 20
"""How much is looked at, at once."""

LINE_END = re.compile(rb"\r\n|\r|\n")
OTHER_KINDS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "Parquet",
}
"""How files begin that only bear the name of a CSV file."""


class Record(NamedTuple):
    """One record: the line on which it begins, that of the next one, and its values."""

    line: int
    next_line: int
    values: list[str]


def _line(data: bytes, position: int) -> int:
    """Return the number of the line on which a byte stands; the first is 1."""
    return 1 + sum(1 for _ in LINE_END.finditer(data, 0, position))


def line_start(data: bytes, line: int) -> int:
    """Return the position of the first byte of a line, the end of the data behind the last."""
    ends = (found.end() for found in LINE_END.finditer(data))
    return next(islice(ends, line - 2, None), len(data)) if line > 1 else 0


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = range(0, len(data), PIECE_BYTES)
    try:
        for start in pieces:
            decoder.decode(data[start : start + PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(uri: str, data: bytes) -> DataError:
    """Return the error for the first byte that is not UTF-8; there must be one."""
    start = 0
    while True:
        found = LINE_END.search(data, start)
        end = found.end() if found else len(data)
        try:
            data[start:end].decode()
        except UnicodeDecodeError as error:
            return DataError(
                f"{uri}:{_line(data, start)}: byte {error.start + 1} of the line, "
                f"0x{data[start + error.start]:02x}, is not UTF-8; save the file as UTF-8"
            )
        start = end


def text_of(file: DataFile) -> bytes:
    """Return the bytes of a file of UTF-8, without the mark that some programs begin it with.

    Raises:
        DataError: it is no text, or not UTF-8; the message names the first such byte.
    """
    data = file.path.read_bytes()
    for start, kind in OTHER_KINDS.items():
        if data.startswith(start):
            raise DataError(f"{file.uri}:1: is {kind}, no CSV text; save it as CSV in UTF-8")
    if not _is_utf8(data):
        raise _not_utf8(file.uri, data)
    if (place := data.find(b"\0")) >= 0:
        raise DataError(
            f"{file.uri}:{_line(data, place)}: holds a zero byte, which no text has; "
            "save the file as CSV in UTF-8"
        )
    return data.removeprefix(codecs.BOM_UTF8)


VALUE = rb'"[^"]*(?:""[^"]*)*"(?!") *'
"""A value in quotes, and the blanks behind it, which belong to it as all readers have it."""
QUOTES_AT_ONCE = 1000
"""How many quotes one match passes over; it keeps a way back for each until it ends."""


def check_quotes(uri: str, data: bytes, separator: str) -> None:
    """Raise DataError with the line where a quote opens that is not closed as it should be.

    Readers of CSV take such a value to go on through the rows below, and say nothing.
    """
    ends = re.escape(f"\r\n{separator}".encode())
    begins, over, within = rb"(?<![^%b])" % ends, rb"(?![^%b])" % ends, rb"(?<=[^%b])" % ends
    # Python before 3.11.5 goes wrong with possessive quantifiers (python/cpython#106052).
    well = rb'[^"]*(?:%b%b%b[^"]*|%b"[^"]*){0,%d}' % (begins, VALUE, over, within, QUOTES_AT_ONCE)
    start = _passed(re.compile(well), data)
    if start == len(data):
        return
    closed = re.compile(VALUE).match(data, start)
    if closed is None:
        raise DataError(
            f"{_opening(uri, data, start)} and is never closed; close it, or put the value into "
            "quotes and double those inside"
        )
    end = closed.end()
    raise DataError(
        f"{_opening(uri, data, start)} and closes on line {_line(data, end)} before "
        f"{_beginning(data, end)}; close it where its value ends, and double quotes inside"
    )


def _passed(well: re.Pattern[bytes], data: bytes) -> int:
    """Return how far `well`, which may match nothing, goes on matching from the beginning."""
    start, end = -1, 0
    while end > start:
        start, found = end, well.match(data, end)
        end = found.end() if found else start
    return end


def _opening(uri: str, data: bytes, start: int) -> str:
    return f"{uri}:{_line(data, start)}: a quote opens before {_beginning(data, start + 1)}"


def _beginning(data: bytes, start: int) -> str:
    """Return the next characters of a line as a message shows them."""
    return shown(LINE_END.split(data[start : start + 40], 1)[0].decode(errors="ignore"))


def records(data: bytes, separator: str) -> Iterator[Record]:
    """Yield the records; blank lines are skipped, but in a file of one column they are values.

    Slow: for the header and for messages.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))  # The process's own is 131,072.
    reader = csv.reader(
        io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=separator
    )
    line, columns = 1, 0
    for values in reader:
        found = values or ([""] if columns == 1 else [])
        if found:
            columns = columns or len(found)
            yield Record(line, reader.line_num + 1, found)
        line = reader.line_num + 1

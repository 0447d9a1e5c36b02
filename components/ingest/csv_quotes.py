"""Where records of CSV text end, and whether each quote is closed where its value ends."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from kanaria.components.ingest import text_lines
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

VALUE = rb'"[^"]*(?:""[^"]*)*"(?!") *'
"""A value in quotes, and the blanks behind it, which belong to it as all readers have it."""
QUOTES_AT_ONCE = 1000
"""How many quotes one match passes over; it keeps a way back for each until it ends."""


def _last_line_end(data: bytes, start: int, end: int) -> int:
    """Return the position behind the last line end of a part of `data`; `start` if it has none."""
    return max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end), start - 1) + 1


class Quotes:
    """Finds the ends of records in the text of a file, which is given piece by piece."""

    def __init__(self, file: DataFile, separator: str) -> None:
        """Begin with the first byte behind the mark that a text may begin with.

        Args:
            file: what messages name, and read for the line.
            separator: one ASCII character between the values of a record.
        """
        ends = re.escape(f"\r\n{separator}".encode())
        begins, over, within = rb"(?<![^%b])" % ends, rb"(?![^%b])" % ends, rb"(?<=[^%b])" % ends
        # Python before 3.11.5 goes wrong with possessive quantifiers (python/cpython#106052).
        one = rb'(?:%b%b%b[^"]*|%b"[^"]*)' % (begins, VALUE, over, within)
        self._well = re.compile(rb'[^"]*%b{0,%d}' % (one, QUOTES_AT_ONCE))
        self._quoted = re.compile(begins + VALUE + over)
        self._file = file
        self._passed = 0

    def passed(self, size: int) -> None:
        """Say that so many bytes are done with, and that the next piece begins behind them."""
        self._passed += size

    def records_end(self, data: bytes) -> int:
        """Return where the last record ends that is whole in `data`; 0 if none is.

        Args:
            data: text from the beginning of a record, not ending within a line end.

        Raises:
            DataError: a quote closes before its value ends.
        """
        if b'"' not in data:
            return _last_line_end(data, 0, len(data))
        starts, end = self._walk(data)
        self._check_closed(data, end)
        for start in reversed(starts):
            line_end = self._line_end(data, start, end)
            if line_end > start:
                return line_end
            end = start
        return 0

    def check_end(self, data: bytes) -> None:
        """Raise DataError if a quote opens in the last bytes of a file and is never closed."""
        _, end = self._walk(data)
        self._check_closed(data, end)
        if end < len(data):
            raise DataError(
                f"{self._opening(end)} and is never closed; close it, or put the value into "
                "quotes and double those inside"
            )

    def _walk(self, data: bytes) -> tuple[list[int], int]:
        """Return the places between values that the way leads over, and how far it leads."""
        starts, end = [0], self._match(data, 0)
        while end > starts[-1]:
            starts.append(end)
            end = self._match(data, end)
        return starts, end

    def _match(self, data: bytes, start: int) -> int:
        match = self._well.match(data, start)
        return match.end() if match else start

    def _line_end(self, data: bytes, start: int, end: int) -> int:
        """Return the position behind the last line end that no quotes enclose, or `start`."""
        for begin, behind in reversed(list(self._enclosed(data, start, end))):
            line_end = _last_line_end(data, behind, end)
            if line_end > behind:
                return line_end
            end = begin
        return _last_line_end(data, start, end)

    def _enclosed(self, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where the quoted values of a part of `data` begin and end."""
        while (start := data.find(b'"', start, end)) >= 0:
            quoted = self._quoted.match(data, start, end)
            if quoted:
                yield quoted.span()
            start = quoted.end() if quoted else start + 1

    def _check_closed(self, data: bytes, start: int) -> None:
        """Raise DataError if the value that opens at `start` closes before its end.

        Readers of CSV take such a value to go on through the rows below, and say nothing.
        """
        closed = re.compile(VALUE).match(data, start)
        if closed is None:
            return
        line, _ = text_lines.line_at(self._file.path, self._place(closed.end()))
        raise DataError(
            f"{self._opening(start)} and closes on line {line} before "
            f"{self._beginning(closed.end())}; close it where its value ends, and double quotes "
            "inside"
        )

    def _opening(self, start: int) -> str:
        line, _ = text_lines.line_at(self._file.path, self._place(start))
        return f"{self._file.uri}:{line}: a quote opens before {self._beginning(start + 1)}"

    def _place(self, position: int) -> int:
        """Return where in the file a byte of the piece stands."""
        has_mark = text_lines.bytes_at(self._file.path, 0, len(BOM_UTF8)) == BOM_UTF8
        return self._passed + position + (len(BOM_UTF8) if has_mark else 0)

    def _beginning(self, position: int) -> str:
        """Return the next characters of a line as a message shows them."""
        data = text_lines.bytes_at(self._file.path, self._place(position), 40)
        line = text_lines.LINE_END.split(data, maxsplit=1)[0]
        return shown(line.decode(errors="ignore"))

"""Reads streams, windows and labels out of the store's file, beside the process that writes it."""

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kanaria.serving.drift_server.exchanges import Exchange, KeptLabel, Stream, Verdict
from kanaria.serving.drift_server.windows import Head, end_by_rows

STREAMS = "SELECT DISTINCT namespace, service, version FROM exchanges ORDER BY 1, 2, 3"
ROWS = "max(coalesce(q.rows, 0), coalesce(a.rows, 0))"
JOINED = """
FROM exchanges e LEFT JOIN bodies q ON q.place = 2 * e.number
  LEFT JOIN bodies a ON a.place = 2 * e.number + 1
WHERE (e.namespace, e.service, e.version) = (?, ?, ?)"""
HEADS = f"""
SELECT e.number, {ROWS}, e.received, q.rows IS NOT NULL AND a.rows IS NOT NULL {JOINED}
  AND e.number > ? ORDER BY e.number"""
WHOLE = f"""
SELECT e.number, e.id, e.component, e.request_id, e.time, e.received, {ROWS}, q.body, a.body
{JOINED}"""
BY_NUMBER = f"{WHOLE} AND e.number > ? AND e.number <= ? ORDER BY e.number"
BY_TIME = f"{WHOLE} AND e.time >= ? AND e.time < ? ORDER BY e.time, e.number"
LABELS = "SELECT row, value, received FROM labels WHERE request_id = ? ORDER BY row"
VERDICTS = """
SELECT namespace, service, version, detector, "begin", "end", rows, drifted, document FROM verdicts
WHERE "end" >= ? AND "begin" < ?"""
OF_STREAM = " AND (namespace, service, version) = (?, ?, ?)"
IN_ORDER = ' ORDER BY "begin", "end", detector, namespace, service, version'

COVERAGE = f"""
WITH found AS (
  SELECT {ROWS} AS rows, e.request_id, e.time {JOINED} AND e.time >= ? AND e.time < ?)
SELECT (SELECT sum(rows) FROM found), count(*), avg(l.received - found.time)
FROM found CROSS JOIN labels l ON l.request_id = found.request_id AND l.row < found.rows"""  # noqa: S608  # Put together of this file's constants.


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How many instances of a window have a label.

    Attributes:
        rows: instances, at least 1.
        labelled: of them, those with a label.
        mean_lag: seconds from an exchange to its labels' arrival, NaN without labels.
    """

    rows: int
    labelled: int
    mean_lag: float


class Reader:
    """One connection that never writes; use one a thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, which a Store has made."""
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, timeout=30)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def streams(self) -> list[Stream]:
        """Return every version of every model that has exchanges."""
        rows = self._connection.execute(STREAMS)
        return [Stream(namespace=n, service=s, version=v) for n, s, v in rows]

    def end_by_rows(
        self, stream: Stream, after: int, rows: int, grace: float, now: float
    ) -> int | None:
        """Return the end of the window of `rows` instances after exchange `after`, None if open."""
        found = self._connection.execute(HEADS, (*_key(stream), after))
        heads = (Head(number=n, rows=r, received=t, whole=bool(w)) for n, r, t, w in found)
        return end_by_rows(heads, rows, grace, now)

    def by_number(self, stream: Stream, after: int, last: int) -> Iterator[Exchange]:
        """Yield the exchanges numbered (after, last], in the order of their arrival."""
        return self._exchanges(BY_NUMBER, (*_key(stream), after, last))

    def by_time(self, stream: Stream, begin: float, end: float) -> Iterator[Exchange]:
        """Yield the exchanges of [begin, end), in seconds since 1970, in the order of time."""
        return self._exchanges(BY_TIME, (*_key(stream), begin, end))

    def coverage(self, stream: Stream, begin: float, end: float) -> Coverage | None:
        """Return the labels' coverage of the exchanges of [begin, end), None if there are none."""
        row = self._connection.execute(COVERAGE, (*_key(stream), begin, end)).fetchone()
        rows, labelled, mean = row
        if not rows:
            return None
        return Coverage(rows=rows, labelled=labelled, mean_lag=math.nan if mean is None else mean)

    def verdicts(self, stream: Stream | None, begin: float, end: float) -> list[Verdict]:
        """Return what was found in the windows that touch [begin, end), in the order of time.

        Args:
            stream: None for all of them.
            begin: in seconds since 1970.
            end: in seconds since 1970.
        """
        query = VERDICTS + (OF_STREAM if stream else "") + IN_ORDER
        rows = self._connection.execute(query, (begin, end, *(_key(stream) if stream else ())))
        return [
            Verdict(
                stream=Stream(namespace=namespace, service=service, version=version),
                detector=detector,
                begin=first,
                end=last,
                rows=count,
                drifted=bool(drifted),
                document=document,
            )
            for namespace, service, version, detector, first, last, count, drifted, document in rows
        ]

    def _exchanges(self, query: str, values: Sequence[object]) -> Iterator[Exchange]:
        for number, id_, component, request_id, *rest in self._connection.execute(query, values):
            time, received, rows, request, response = rest
            yield Exchange(
                number=number,
                id=id_,
                component=component,
                request_id=request_id,
                time=time,
                received=received,
                rows=rows,
                request=request,
                response=response,
                labels=self._labels(request_id),
            )

    def _labels(self, request_id: str) -> Mapping[int, KeptLabel]:
        if not request_id:
            return {}
        found = self._connection.execute(LABELS, (request_id,))
        return {row: KeptLabel(value=value, received=time) for row, value, time in found}


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.namespace, stream.service, stream.version

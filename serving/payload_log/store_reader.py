"""Reads streams, windows, labels and verdicts out of a store, beside those that write it."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kanaria.serving.databases.database import Database, Row, Value
from kanaria.serving.payload_log.exchanges import PREDICTOR, Exchange, KeptLabel, Stream, Verdict
from kanaria.serving.payload_log.window_ends import Head, end_by_rows

COMPONENT = "CASE component WHEN '' THEN 'predictor' ELSE component END"
STREAMS = f"""
SELECT DISTINCT namespace, service, version FROM exchanges
WHERE {COMPONENT} = :component ORDER BY 1, 2, 3"""  # noqa: S608  # Of this file's constants.
ROWS = "{greatest}(coalesce(q.rows, 0), coalesce(a.rows, 0))"
OF_STREAM = "(namespace, service, version) = (:namespace, :service, :version)"
JOINED = f"""
FROM exchanges e LEFT JOIN bodies q ON q.place = 2 * e.number
  LEFT JOIN bodies a ON a.place = 2 * e.number + 1
WHERE {OF_STREAM} AND {COMPONENT} = :component"""
HEADS = f"""
SELECT e.number, {ROWS}, e.received, q.rows IS NOT NULL AND a.rows IS NOT NULL {JOINED}
  AND e.number > :after ORDER BY e.number"""
WHOLE = f"""
SELECT e.number, e.id, e.component, e.request_id, e.time, e.received, {ROWS}, q.body, a.body
{JOINED}"""
SPAN = f"""
SELECT min(e.time), max(e.time), sum({ROWS}) {JOINED} AND e.number > :after AND e.number <= :last"""
BY_NUMBER = f"{WHOLE} AND e.number > :after AND e.number <= :last ORDER BY e.number"
BY_TIME = f"{WHOLE} AND e.time >= :begin AND e.time < :end ORDER BY e.time, e.number"
LABELS = """
SELECT request_id, row, value, received FROM labels
WHERE request_id IN ({each_text}) ORDER BY request_id, row"""
# The outer join keeps SQLite from looking through all labels for those of a few exchanges.
COVERAGE = f"""
WITH found AS (
  SELECT {ROWS} AS rows, e.request_id, e.time {JOINED} AND e.time >= :begin AND e.time < :end)
SELECT (SELECT sum(rows) FROM found), count(l.row), avg(l.received - found.time)
FROM found LEFT JOIN labels l ON l.request_id = found.request_id AND l.row < found.rows"""  # noqa: S608  # Put together of this file's constants.
# A request that several models answered has its label once.
LABELLED = """
SELECT count(*) FROM labels l WHERE l.received >= :since AND EXISTS (
  SELECT 1 FROM exchanges e WHERE e.request_id = l.request_id AND e.request_id <> ''
    AND e.namespace = :namespace AND e.service = :service)"""
VERDICTS = """
SELECT namespace, service, version, detector, first, last, rows, drifted, document FROM verdicts
WHERE last >= :begin AND first < :end"""
NEWEST = """
SELECT namespace, service, version, detector, first, last, rows, drifted, document
FROM verdicts JOIN (
  SELECT DISTINCT namespace, service, version, detector, last FROM (
    SELECT namespace, service, version, detector, last, dense_rank() OVER (
      PARTITION BY namespace, service, version, detector ORDER BY last DESC) AS place
    FROM verdicts) ranked
  WHERE place <= :count) newest USING (namespace, service, version, detector, last)"""
NEWEST_OF = f"""
SELECT namespace, service, version, detector, first, last, rows, drifted, document FROM verdicts
WHERE {OF_STREAM} AND detector = :detector AND last <= :end ORDER BY last DESC LIMIT :count"""  # noqa: S608  # Put together of this file's constants.
IN_ORDER = " ORDER BY first, last, detector, namespace, service, version"
# By the order of arrival, which the index of a service is in: no row but these is looked at.
ARRIVALS = """
SELECT namespace, service,
  (SELECT received FROM exchanges e WHERE (e.namespace, e.service) = (k.namespace, k.service)
   ORDER BY number LIMIT 1) AS oldest,
  (SELECT received FROM exchanges e WHERE (e.namespace, e.service) = (k.namespace, k.service)
   ORDER BY number DESC LIMIT 1) AS newest
FROM kept k WHERE NOT (namespace = '' AND service = '')"""
NEVER = 1e18
HEADS_AT_ONCE = 2000
EXCHANGES_AT_ONCE = 16
"""Bounds the memory: a body has up to 16 MiB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """When the exchanges of a window were, in seconds since 1970, and their instances."""

    begin: float
    end: float
    rows: int


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """When the oldest exchange of a service that is kept arrived, and its newest one.

    In seconds since 1970.
    """

    oldest: float
    newest: float


class Reader:
    """One connection that never writes; use one a thread. See `opening.open_reader`."""

    def __init__(self, database: Database) -> None:
        """Read `database`, in which a Store has made the tables."""
        self._database = database
        self._functions = {"greatest": database.greatest, "each_text": database.each_text}

    def close(self) -> None:
        """End the connection."""
        self._database.close()

    def streams(self, component: str = PREDICTOR) -> list[Stream]:
        """Return every version of every model whose component has exchanges."""
        rows = self._database.execute(STREAMS, component=component)
        return [Stream(namespace=n, service=s, version=v, component=component) for n, s, v in rows]

    def arrivals(self) -> dict[tuple[str, str], Arrivals]:
        """Return namespace and name of each service with exchanges -> when they arrived."""
        return {
            (namespace, service): Arrivals(oldest=oldest, newest=newest)
            for namespace, service, oldest, newest in self._database.execute(ARRIVALS)
            if oldest is not None
        }

    def bytes_on_disk(self) -> int:
        """Return what the store takes on the disk."""
        return self._database.bytes_on_disk()

    def end_by_rows(
        self, stream: Stream, after: int, rows: int, grace: float, now: float
    ) -> int | None:
        """Return the end of the window of `rows` instances after exchange `after`, None if open."""
        parts = self._stream(HEADS, HEADS_AT_ONCE, **_key(stream), after=after)
        heads = (
            Head(number=n, rows=r, received=t, whole=bool(w))
            for part in parts
            for n, r, t, w in part
        )
        return end_by_rows(heads, rows, grace, now)

    def span(self, stream: Stream, after: int, last: int) -> Span | None:
        """Return the span of the exchanges numbered (after, last], None where none is left."""
        query = SPAN.format_map(self._functions)
        ((begin, end, rows),) = self._database.execute(
            query, **_key(stream), after=after, last=last
        )
        return None if begin is None else Span(begin=begin, end=end, rows=int(rows))

    def by_number(self, stream: Stream, after: int, last: int) -> Iterator[Exchange]:
        """Yield the exchanges numbered (after, last], in the order of their arrival."""
        return self._exchanges(BY_NUMBER, **_key(stream), after=after, last=last)

    def by_time(self, stream: Stream, begin: float, end: float) -> Iterator[Exchange]:
        """Yield the exchanges of [begin, end), in seconds since 1970, in the order of time."""
        return self._exchanges(BY_TIME, **_key(stream), begin=begin, end=end)

    def coverage(self, stream: Stream, begin: float, end: float) -> Coverage | None:
        """Return the labels' coverage of the exchanges of [begin, end), None if there are none."""
        query = COVERAGE.format_map(self._functions)
        ((rows, labelled, mean),) = self._database.execute(
            query, **_key(stream), begin=begin, end=end
        )
        if not rows:
            return None
        lag = math.nan if mean is None else mean
        return Coverage(rows=int(rows), labelled=labelled, mean_lag=lag)

    def labelled(self, namespace: str, service: str, since: float) -> int:
        """Return how many rows of a service's requests got their label since a moment.

        Args:
            namespace: of the service.
            service: its name.
            since: in seconds since 1970.
        """
        place = {"namespace": namespace, "service": service}
        ((rows,),) = self._database.execute(LABELLED, **place, since=since)
        return int(rows)

    def labels(self, request_ids: set[str]) -> Mapping[str, Mapping[int, KeptLabel]]:
        """Return the labels of requests by request id and row; those without any are left out."""
        query = LABELS.format_map(self._functions)
        labels: dict[str, dict[int, KeptLabel]] = {}
        for request_id, row, value, received in self._database.execute(
            query, texts=json.dumps(sorted(request_ids))
        ):
            label = KeptLabel(value=json.loads(value), received=received)
            labels.setdefault(request_id, {})[row] = label
        return labels

    def verdicts(self, stream: Stream | None, begin: float, end: float) -> list[Verdict]:
        """Return what was found in the windows that touch [begin, end), in the order of time.

        Args:
            stream: None for all of them.
            begin: in seconds since 1970.
            end: in seconds since 1970.
        """
        query = VERDICTS + (f" AND {OF_STREAM}" if stream else "") + IN_ORDER
        of_stream = _names(stream) if stream else {}
        return [
            _verdict(row)
            for row in self._database.execute(query, begin=begin, end=end, **of_stream)
        ]

    def newest_of(
        self, stream: Stream, detector: str, count: int, end: float = NEVER
    ) -> list[Verdict]:
        """Return what a detector found in a stream's newest windows, the newest last.

        Args:
            stream: one version.
            detector: its name.
            count: windows at most.
            end: seconds since 1970, after which no window ends.
        """
        names = _names(stream)
        rows = self._database.execute(NEWEST_OF, **names, detector=detector, count=count, end=end)
        return [_verdict(row) for row in reversed(rows)]

    def newest_verdicts(self, count: int) -> list[Verdict]:
        """Return what each detector found in each stream's `count` windows of the latest ends."""
        rows = self._database.execute(NEWEST + IN_ORDER, count=count)
        return [_verdict(row) for row in rows]

    def _exchanges(self, query: str, **values: Value) -> Iterator[Exchange]:
        for part in self._stream(query, EXCHANGES_AT_ONCE, **values):
            labels = self.labels({request_id for _, _, _, request_id, *_ in part} - {""})
            for row in part:
                yield _exchange(row, labels.get(row[3], {}))

    def _stream(self, query: str, at_once: int, **values: Value) -> Iterator[list[Row]]:
        return self._database.stream(query.format_map(self._functions), at_once, **values)


def _exchange(row: Row, labels: Mapping[int, KeptLabel]) -> Exchange:
    number, id_, component, request_id, time, received, rows, request, response = row
    return Exchange(
        number=number,
        id=id_,
        component=component,
        request_id=request_id,
        time=time,
        received=received,
        rows=rows,
        request=request,
        response=response,
        labels=labels,
    )


def _verdict(row: Row) -> Verdict:
    namespace, service, version, detector, begin, end, rows, drifted, document = row
    return Verdict(
        stream=Stream(namespace=namespace, service=service, version=version),
        detector=detector,
        begin=begin,
        end=end,
        rows=rows,
        drifted=None if drifted is None else bool(drifted),
        document=document,
    )


def _names(stream: Stream) -> dict[str, str]:
    return {"namespace": stream.namespace, "service": stream.service, "version": stream.version}


def _key(stream: Stream) -> dict[str, str]:
    return _names(stream) | {"component": stream.component}

"""Comparisons of two versions that follow the store: each question reads what is new since.

An exchange counts once its response is there, so those without one are looked at again, for as
long as a response may still come. An answer that cannot be read is one of a class of its own.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from kanaria.components.shared.errors import DataError
from kanaria.serving.model_quality.judge_window import predictions
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import OF_LABELS, Exchange, Stream
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.protocol.json_columns import Array
from kanaria.serving.protocol.payload_columns import read_columns
from kanaria.serving.version_comparison.answer_totals import (
    SIDES,
    Answered,
    Side,
    Totals,
    labelled,
    unlabelled,
)
from kanaria.serving.version_comparison.comparison_question import Question
from kanaria.serving.version_comparison.model_answers import (
    UNREADABLE,
    answers,
    cuts_of,
    unreadable,
)

LATEST = 2**62
FOREVER = 1e12
"""Seconds since 1970, beyond any event."""
OPEN_SECONDS = 600.0
"""For which a response may come after its request, by their arrival at the store."""
MOST_OPEN = 1000
REFERENCE_VALUES = 200
"""First values of the stable version, in whose tenths a regression is compared."""
MOST_KEPT = 8
"""Comparisons that are kept in memory."""


class Comparer:
    """One comparison; one thread uses it at a time."""

    def __init__(self, question: Question) -> None:
        """Begin with nothing read."""
        self._question = question
        self._totals = Totals()
        self._last: dict[Side, int] = {}
        self._open: dict[Side, dict[int, float]] = {side: {} for side in SIDES}
        self._cuts: tuple[float, ...] = ()
        self._waiting: list[tuple[Side, Exchange]] = []
        self._fault: DataError | None = None

    def totals(self, reader: Reader, now: float) -> ModelCounts:
        """Return the totals as they are now.

        Raises:
            DataError: none of the stable version's answers fits the task; the first says why.
        """
        self._follow(reader, now)
        totals = self._totals
        judged = labelled(totals.rows_apart, self._labels(reader))
        windows = self._windows(reader)
        return ModelCounts(
            canary=dict(totals.rows["canary"]),
            stable=dict(totals.rows["stable"]),
            pairs=totals.pairs,
            canary_apart=dict(totals.apart["canary"]),
            stable_apart=dict(totals.apart["stable"]),
            canary_right=judged["canary"],
            stable_right=judged["stable"],
            neither_right=judged[""],
            windows=len(windows),
            drifted=sum(windows.values()),
        )

    def wanted(self, reader: Reader, now: float, limit: int) -> list[dict[str, Any]]:
        """Return the oldest rows of disagreement that need a label, as plain values for JSON.

        Raises:
            DataError: none of the stable version's answers fits the task; the first says why.
        """
        self._follow(reader, now)
        return unlabelled(self._totals.rows_apart, self._labels(reader), limit)

    def _labels(self, reader: Reader) -> Any:
        return reader.labels({one.request_id for one in self._totals.rows_apart})

    def _windows(self, reader: Reader) -> dict[tuple[float, float], bool]:
        """Return whether any detector found drift, by window of the canary's inputs.

        Windows of which nothing could be told are left out: they are no good news.
        """
        windows: dict[tuple[float, float], bool] = {}
        for one in reader.verdicts(self._question.canary, self._question.since, FOREVER):
            if one.drifted is None or one.detector.endswith(OF_LABELS):
                continue
            window = (one.begin, one.end)
            windows[window] = windows.get(window, False) or one.drifted
        return windows

    def _follow(self, reader: Reader, now: float) -> None:
        for side in SIDES:
            stream = self._question.canary if side == "canary" else self._question.stable
            for exchange in [*self._reopened(reader, side, stream, now)]:
                self._take(side, exchange)
            for exchange in self._new(reader, side, stream):
                self._last[side] = max(exchange.number, self._last.get(side, 0))
                self._take(side, exchange)
        if self._question.task is Task.REGRESSION and not self._cuts:
            self._cut()
        if self._fault and set(self._totals.rows["stable"]) <= {UNREADABLE}:
            raise self._fault

    def _new(self, reader: Reader, side: Side, stream: Stream) -> Iterator[Exchange]:
        """Yield what has come since; the first time, what is not older than the comparison."""
        if side in self._last:
            return reader.by_number(stream, self._last[side], LATEST)
        return reader.by_time(stream, self._question.since, FOREVER)

    def _reopened(
        self, reader: Reader, side: Side, stream: Stream, now: float
    ) -> Iterable[Exchange]:
        still = {n: came for n, came in self._open[side].items() if came > now - OPEN_SECONDS}
        self._open[side] = {}
        for number in sorted(still)[-MOST_OPEN:]:
            yield from reader.by_number(stream, number - 1, number)

    def _take(self, side: Side, exchange: Exchange) -> None:
        if exchange.time < self._question.since:
            return
        if exchange.response is None:
            self._open[side][exchange.number] = exchange.received
        elif self._question.task is Task.REGRESSION and not self._cuts:
            self._waiting.append((side, exchange))
        else:
            self._count(side, exchange)

    def _count(self, side: Side, exchange: Exchange) -> None:
        predicted = self._predicted(side, exchange)
        counted = (
            unreadable(exchange.rows)
            if predicted is None
            else answers(predicted, self._question.task, self._cuts)
        )
        self._totals.add(side, exchange.request_id, Answered(time=exchange.time, answers=counted))

    def _predicted(self, side: Side, exchange: Exchange) -> Array | None:
        """Return what was answered, None where it does not fit the task."""
        try:
            columns = read_columns(exchange.response or b"")
            return predictions(columns, self._question.task, self._question.output)
        except DataError as error:
            if side == "stable":
                self._fault = self._fault or error
            return None

    def _cut(self) -> None:
        """Fix the classes of a regression once the stable version has shown enough values."""
        stable = [self._predicted(side, one) for side, one in self._waiting if side == "stable"]
        stable_answers = [float(value) for some in stable if some is not None for value in some]
        values = [value for value in stable_answers if math.isfinite(value)]
        if len(values) < REFERENCE_VALUES:
            return
        self._cuts = cuts_of(values[:REFERENCE_VALUES])
        for side, exchange in self._waiting:
            self._count(side, exchange)
        self._waiting = []


class Comparisons:
    """The comparisons that were asked for, the newest few of them; any thread may ask."""

    def __init__(self) -> None:
        """Begin without any."""
        self._comparers: dict[Question, tuple[Lock, Comparer]] = {}
        self._lock = Lock()

    def totals(self, reader: Reader, question: Question, now: float) -> ModelCounts:
        """Return what `Comparer.totals` does."""
        with self._using(question) as comparer:
            return comparer.totals(reader, now)

    def wanted(
        self, reader: Reader, question: Question, now: float, limit: int
    ) -> list[dict[str, Any]]:
        """Return what `Comparer.wanted` does."""
        with self._using(question) as comparer:
            return comparer.wanted(reader, now, limit)

    @contextmanager
    def _using(self, question: Question) -> Iterator[Comparer]:
        with self._lock:
            lock, comparer = self._comparers.pop(question, (Lock(), Comparer(question)))
            self._comparers[question] = lock, comparer
            if len(self._comparers) > MOST_KEPT:
                del self._comparers[next(iter(self._comparers))]
        with lock:
            try:
                yield comparer
            except BaseException:
                # It broke off in the middle: the next question reads all of it again.
                with self._lock:
                    self._comparers.pop(question, None)
                raise

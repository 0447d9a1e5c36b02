"""Tests every window that is due, and keeps what was found; the only part that uses the store.

A window's verdict and the place after it are kept in one transaction, so a restart tests no window
twice, and of several processes on one store each window counts for the first alone. A window that
cannot be tested is kept as failed, with the reason, and the next one is looked at.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift.protocol import Verdict as Says
from kanaria.serving.drift.report import records
from kanaria.serving.drift.report.records import FAILED, Labels, Window
from kanaria.serving.drift_server.exchanges import Stream, Verdict
from kanaria.serving.drift_server.judging import JudgeError, predictions
from kanaria.serving.drift_server.quality import Task
from kanaria.serving.drift_server.reading import Reader
from kanaria.serving.drift_server.store import Store
from kanaria.serving.drift_server.watching.examining import Fitted, examine, failed
from kanaria.serving.drift_server.watching.expected import expected
from kanaria.serving.drift_server.watching.judged import judged, named
from kanaria.serving.drift_server.watching.kept import title
from kanaria.serving.drift_server.watching.planning import end_by_clock
from kanaria.serving.drift_server.watching.settings import MOST_ROWS, LabelSettings, Watch
from kanaria.serving.drift_server.watching.window_columns import Rows, read

logger = logging.getLogger(__name__)
DRIFTED = {Says.DRIFTED.value: True, Says.STABLE.value: False}
GRACE = 60.0
"""Seconds for a response to arrive after its request; some never do."""
FAR = 2**62
HISTORY = 20
"""Labelled windows that calibrate, and that errors are compared with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A watch, and what returns the detector of a model version.

    The latter raises DataError where there is none.
    """

    watch: Watch
    fitted: Callable[[str], Fitted]


class Runner:
    """Goes through the windows of all streams; lives in one thread."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        watched: Sequence[Watched],
        heard: Callable[[Watch, Verdict], None],
    ) -> None:
        """Test what `reader` reads and keep it in `store`; both are this thread's alone.

        Args:
            store: for places and verdicts.
            reader: for exchanges and labels.
            watched: the watches.
            heard: is told each verdict of a detector after it is kept.
        """
        self._store, self._reader = store, reader
        self._watched, self._heard = watched, heard
        self._labels: dict[tuple[Watch, Stream], _Earlier] = {}

    def turn(self, now: float) -> int:
        """Test the next window of each stream, if it is due; return how many were tested.

        Args:
            now: seconds since 1970.
        """
        done = 0
        for stream in self._reader.streams():
            for watched in self._watched:
                watch = watched.watch
                if (stream.namespace, stream.service) == (watch.namespace, watch.service):
                    done += self._test(watched, stream, now)
                    if watch.labels:
                        done += self._judge(watch, watch.labels, stream, now)
        return done

    def _test(self, watched: Watched, stream: Stream, now: float) -> bool:
        watch = watched.watch
        before, last = self._next(watch.name, stream, watch, now)
        if last is None:
            return False
        window = self._examined(watched, stream, read(self._reader.by_number(stream, before, last)))
        if window.verdict == FAILED:
            logger.error("%s: %s", title(stream, watch.name), window.failure)
        verdict = Verdict(
            stream=stream,
            detector=watch.name,
            begin=window.begin or 0.0,
            end=window.end or 0.0,
            rows=window.rows,
            drifted=DRIFTED.get(window.verdict),
            document=records.dump_window(replace(window, last=last)),
        )
        kept = self._store.keep_verdict(watch.name, stream, before, last, verdict)
        if kept:
            self._heard(watch, verdict)
        return kept

    def _examined(self, watched: Watched, stream: Stream, rows: Rows) -> Window:
        """Return a window's record, with the quality to expect where earlier labels tell."""
        labels = watched.watch.labels
        try:
            fitted = watched.fitted(stream.version)
        # A store that does not answer ends this process instead, which is started again.
        except (DataError, ParameterError) as error:
            return failed(rows, watched.watch.name, str(error))
        if labels is None:
            return examine(rows, fitted)
        window = examine(rows, fitted, binary=labels.task is Task.BINARY)
        bins = [
            one for before in self._earlier(watched.watch, stream) for one in before.calibration
        ]
        try:
            predicted = predictions(rows.outputs, labels.task, labels.output)
        except JudgeError as error:
            return replace(window, differences=(*window.differences, str(error)))
        return replace(window, estimated=named(expected(labels.task, predicted, bins)))

    def _judge(self, watch: Watch, settings: LabelSettings, stream: Stream, now: float) -> bool:
        before, last = self._next(watch.labels_name, stream, watch, now)
        if last is None or not self._are_labels_due(stream, last, settings, now):
            return False
        exchanges = self._reader.by_number(stream, before, last)
        labels = judged(exchanges, settings, self._earlier(watch, stream))
        if labels.failure:
            logger.error("%s: %s", title(stream, watch.labels_name), labels.failure)
        verdict = Verdict(
            stream=stream,
            detector=watch.labels_name,
            begin=labels.begin,
            end=labels.end,
            rows=labels.rows,
            drifted=bool(labels.changes),
            document=records.dump_labels(labels),
        )
        return self._store.keep_verdict(watch.labels_name, stream, before, last, verdict)

    def _are_labels_due(self, stream: Stream, last: int, labels: LabelSettings, now: float) -> bool:
        newest = next(self._reader.by_number(stream, last - 1, last))
        return newest.received + labels.delay_hours * 3600 <= now

    def _next(
        self, reader: str, stream: Stream, watch: Watch, now: float
    ) -> tuple[int, int | None]:
        """Return the places before and at the end of the next window, None while it is open."""
        before = self._store.place(reader, _key(stream))
        rows = watch.window.rows or MOST_ROWS
        last = self._reader.end_by_rows(stream, before, rows, GRACE, now)
        if watch.window.minutes is None:
            return before, last
        arrived = self._reader.by_number(stream, before, last or FAR)
        cut = end_by_clock(arrived, watch.window.minutes * 60, GRACE, now)
        return before, last if cut is None else cut

    def _earlier(self, watch: Watch, stream: Stream) -> tuple[Labels, ...]:
        """Return the stream's newest labelled windows, read again when there is another one."""
        place = self._store.place(watch.labels_name, _key(stream))
        held = self._labels.get((watch, stream))
        if held is None or held.place != place:
            kept = self._reader.newest_of(stream, watch.labels_name, HISTORY)
            found = tuple(records.load_labels(one.document) for one in kept)
            held = self._labels[watch, stream] = _Earlier(place=place, labels=found)
        return held.labels


@dataclass(frozen=True, kw_only=True, slots=True)
class _Earlier:
    """The newest labelled windows of a stream, as of a place in it."""

    place: int
    labels: tuple[Labels, ...]


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.namespace, stream.service, stream.version

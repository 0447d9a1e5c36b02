"""Tests every window that is due, and keeps what was found; the only part that uses the store.

A window's verdict and the place after it are kept in one transaction, so a restart tests no window
twice, and of several processes on one store each window counts for the first alone. A window that
cannot be tested is kept as failed, with the reason, and the next one is looked at.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kanaria.serving.drift.protocol import Verdict as Says
from kanaria.serving.drift.report import records
from kanaria.serving.drift.report.records import FAILED, Labels, Window
from kanaria.serving.drift_server.exchanges import Stream, Verdict
from kanaria.serving.drift_server.judging import JudgeError, predictions
from kanaria.serving.drift_server.quality import Task
from kanaria.serving.drift_server.reading import Reader
from kanaria.serving.drift_server.store import Store
from kanaria.serving.drift_server.watching.examining import Fitted, examine
from kanaria.serving.drift_server.watching.expected import expected
from kanaria.serving.drift_server.watching.judged import judged, named
from kanaria.serving.drift_server.watching.kept import EVER
from kanaria.serving.drift_server.watching.planning import end_by_clock
from kanaria.serving.drift_server.watching.settings import MOST_ROWS, LabelSettings, Watch
from kanaria.serving.drift_server.watching.window_columns import Rows, read

logger = logging.getLogger(__name__)
GRACE = 60.0
"""Seconds for a response to arrive after its request; some never do."""
FAR = 2**62
HISTORY = 20
"""Labelled windows that calibrate, and that errors are compared with."""
Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A watch with its detector, loaded."""

    watch: Watch
    fitted: Fitted


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
        self._labels: dict[tuple[str, Stream], deque[Labels]] = {}

    def turn(self, now: float) -> int:
        """Test every window that is due at `now`, seconds since 1970; return how many."""
        streams, done = self._reader.streams(), 0
        for watched in self._watched:
            watch = watched.watch
            for stream in streams:
                if (stream.namespace, stream.service) == (watch.namespace, watch.service):
                    done += self._drift(watched, stream, now)
                    done += self._quality(watch, stream, now)
        return done

    def _drift(self, watched: Watched, stream: Stream, now: float) -> int:
        done, watch = 0, watched.watch
        for before, last in self._due(watch.name, stream, watch, now):
            window = self._examined(
                watched, stream, read(self._reader.by_number(stream, before, last))
            )
            if window.verdict == FAILED:
                logger.error("%s %s: %s", _name(stream), watch.name, window.failure)
            verdict = Verdict(
                stream=stream,
                detector=watch.name,
                begin=window.begin or 0.0,
                end=window.end or 0.0,
                rows=window.rows,
                drifted=window.verdict == Says.DRIFTED.value,
                document=records.dump_window(replace(window, last=last)),
            )
            if self._store.keep_verdict(watch.name, stream, before, last, verdict):
                self._heard(watch, verdict)
                done += 1
        return done

    def _examined(self, watched: Watched, stream: Stream, rows: Rows) -> Window:
        """Return a window's record, with the quality to expect where earlier labels tell."""
        labels = watched.watch.labels
        if labels is None:
            return examine(rows, watched.fitted)
        window = examine(rows, watched.fitted, binary=labels.task is Task.BINARY)
        bins = [b for one in self._earlier(watched.watch, stream) for b in one.calibration]
        try:
            predicted = predictions(rows.outputs, labels.task, labels.output)
        except JudgeError as error:
            return replace(window, differences=(*window.differences, str(error)))
        return replace(window, estimated=named(expected(labels.task, predicted, bins)))

    def _quality(self, watch: Watch, stream: Stream, now: float) -> int:
        done = 0
        if watch.labels is None:
            return done
        for before, last in self._due(watch.labels_name, stream, watch, now):
            if not self._are_labels_due(stream, last, watch.labels, now):
                break
            earlier = self._earlier(watch, stream)
            exchanges = self._reader.by_number(stream, before, last)
            labels = judged(exchanges, watch.labels, tuple(earlier))
            if labels.failure:
                logger.error("%s %s: %s", _name(stream), watch.labels_name, labels.failure)
            verdict = Verdict(
                stream=stream,
                detector=watch.labels_name,
                begin=labels.begin,
                end=labels.end,
                rows=labels.rows,
                drifted=bool(labels.changes),
                document=records.dump_labels(labels),
            )
            if self._store.keep_verdict(watch.labels_name, stream, before, last, verdict):
                earlier.append(labels)
                done += 1
            else:
                del self._labels[watch.labels_name, stream]
        return done

    def _are_labels_due(self, stream: Stream, last: int, labels: LabelSettings, now: float) -> bool:
        newest = next(self._reader.by_number(stream, last - 1, last))
        return newest.received + labels.delay_hours * 3600 <= now

    def _due(
        self, reader: str, stream: Stream, watch: Watch, now: float
    ) -> Iterator[tuple[int, int]]:
        """Yield the places before and at the end of each window that is complete."""
        key = (stream.namespace, stream.service, stream.version)
        while True:
            before = self._store.place(reader, key)
            last = self._end(stream, before, watch, now)
            if last is None:
                return
            yield before, last

    def _end(self, stream: Stream, before: int, watch: Watch, now: float) -> int | None:
        rows = watch.window.rows or MOST_ROWS
        last = self._reader.end_by_rows(stream, before, rows, GRACE, now)
        if watch.window.minutes is None:
            return last
        arrived = self._reader.by_number(stream, before, last or FAR)
        cut = end_by_clock(arrived, watch.window.minutes * 60, GRACE, now)
        return last if cut is None else cut

    def _earlier(self, watch: Watch, stream: Stream) -> deque[Labels]:
        """Return the stream's labelled windows, read from the store once."""
        key = (watch.labels_name, stream)
        if key not in self._labels:
            kept = self._reader.verdicts(stream, *EVER)
            texts = [one.document for one in kept if one.detector == watch.labels_name]
            found = (records.load_labels(text) for text in texts[-HISTORY:])
            self._labels[key] = deque(found, maxlen=HISTORY)
        return self._labels[key]


def _name(stream: Stream) -> str:
    return f"{stream.namespace}/{stream.service} version {stream.version or '(none)'}"

"""Tests every window that is due, and keeps what was found; the only part that uses the store.

A window's verdict and the place after it are kept in one transaction, so a restart tests no window
twice, and of several processes on one store each window counts for the first alone. A window that
cannot be tested is kept as failed, with the reason, and the next one is looked at; so is one on
which this process ended twice. A watch that cannot be used holds up no other one.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from kanaria.components.shared.errors import (
    DataError,
    KanariaError,
    NotReadyError,
    ParameterError,
    shown,
)
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift import report_records
from kanaria.serving.drift.detector import Verdict as Says
from kanaria.serving.drift.report_records import FAILED, Labels, Window
from kanaria.serving.drift_watch.examine_window import OWN_FAULTS, Fitted, examine, failed
from kanaria.serving.drift_watch.label_window import judged, named, unjudged
from kanaria.serving.drift_watch.next_window_end import end_by_clock
from kanaria.serving.drift_watch.stored_verdicts import title
from kanaria.serving.drift_watch.watch_file import MOST_ROWS, VERSION, LabelSettings, Watch
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.drift_watch.window_attempts import MOST, Attempts
from kanaria.serving.drift_watch.window_columns import Rows, read
from kanaria.serving.model_quality.expected_quality import expected
from kanaria.serving.model_quality.judge_window import JudgeError, predictions, usable
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import Stream, Verdict
from kanaria.serving.payload_log.store_reader import Reader, Span
from kanaria.serving.payload_log.store_writer import Store

logger = logging.getLogger(__name__)
DRIFTED = {Says.DRIFTED.value: True, Says.STABLE.value: False}
GRACE = 60.0
"""Seconds for a response to arrive after its request; some never do."""
FAR = 2**62
HISTORY = 20
"""Labelled windows that calibrate, and that errors are compared with."""
ENDED = f"the process that tests windows ended on it {MOST} times; its memory may not suffice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A watch, and what returns the detector of a model version.

    The latter raises DataError where the version has none, so that its windows fail, and
    NotReadyError where there is none yet, so that they wait.
    """

    watch: Watch
    fitted: Callable[[str], Fitted]

    def fault(self) -> str:
        """Return why the detector of all versions cannot be used, "" if it can or each has one."""
        if VERSION in self.watch.detector.folder:
            return ""
        try:
            self.fitted("")
        except KanariaError as error:
            return str(error)
        return ""


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
        self._attempts = Attempts(store)
        self._broken: dict[Watch, str] = {}

    def turn(self, now: float) -> int:
        """Test the next window of each stream, if it is due; return how many were tested.

        Args:
            now: seconds since 1970.
        """
        done = 0
        for watched in self._watched:
            faults: dict[str, None] = {}
            for stream in self._streams(watched.watch):
                done += self._step(partial(self._test, watched, stream, now), faults)
                done += self._step(partial(self._judge, watched.watch, stream, now), faults)
            self._tell(watched, "; ".join(faults))
        return done

    def states(self) -> tuple[State, ...]:
        """Return of each watch whether it worked in the last turn."""
        return tuple(
            State(
                namespace=watch.namespace,
                service=watch.service,
                name=watch.name,
                broken=self._broken.get(watch, ""),
            )
            for watch in (watched.watch for watched in self._watched)
        )

    def _streams(self, watch: Watch) -> list[Stream]:
        wanted = (watch.namespace, watch.service)
        streams = self._reader.streams(watch.component)
        return [stream for stream in streams if (stream.namespace, stream.service) == wanted]

    def _step(self, step: Callable[[], bool], faults: dict[str, None]) -> bool:
        """Do one thing of one watch; what it breaks on is no other watch's matter."""
        try:
            return step()
        except StoreError:
            raise
        except (KanariaError, *OWN_FAULTS) as error:
            faults[str(error) if isinstance(error, KanariaError) else shown(error)] = None
            return False

    def _tell(self, watched: Watched, fault: str) -> None:
        watch = watched.watch
        if not fault:
            # A detector that cannot be loaded is known before anybody asks the service.
            fault = watched.fault()
        if fault and fault != self._broken.get(watch):
            name = f"{watch.namespace}/{watch.service}, {watch.name}"
            of_service = {"namespace": watch.namespace, "service": watch.service}
            logger.error("%s: nothing is tested: %s", name, fault, extra=of_service)
        self._broken[watch] = fault

    def _test(self, watched: Watched, stream: Stream, now: float) -> bool:
        watch = watched.watch
        before, last = self._next(watch.name, stream, watch, now)
        if last is None:
            return False
        span = self._reader.span(stream, before, last)
        if span is None:  # Too old: it was removed since.
            return self._store.advance(watch.name, _key(stream), before, last)
        due = _Due(stream=stream, before=before, last=last, span=span)
        window, memory = self._window(watched, due)
        if window.verdict == FAILED:
            _tell_failure(stream, watch.name, window.failure)
        verdict = Verdict(
            stream=stream,
            detector=watch.name,
            begin=window.begin or 0.0,
            end=window.end or 0.0,
            rows=window.rows,
            drifted=DRIFTED.get(window.verdict),
            document=report_records.dump_window(window),
        )
        is_new = self._store.keep_verdict(watch.name, before, last, verdict, memory)
        if is_new:
            self._heard(watch, verdict)
        return is_new

    def _window(self, watched: Watched, due: "_Due") -> tuple[Window, bytes | None]:
        """Return the record of a window, whatever is in it, and where its stream is after it.

        Raises:
            NotReadyError: there is no detector yet, or the store does not answer.
        """
        name, stream, last = watched.watch.name, due.stream, due.last
        try:
            fitted = watched.fitted(stream.version)
        except (DataError, ParameterError) as error:
            return replace(failed(due.span, name, str(error)), last=last), None
        if not self._attempts.begin(name, stream, due.before):
            return replace(failed(due.span, fitted.detector.name, ENDED), last=last), None
        try:
            exchanges = self._reader.by_number(stream, due.before, last)
            rows = read(exchanges, pixels=fitted.of_pixels)
            if rows is None:
                gone = failed(due.span, fitted.detector.name, "no exchange is left")
                return replace(gone, last=last), None
            fitted = fitted.resumed(self._store.memory(name, _key(stream)))
            window = replace(self._examined(watched.watch, fitted, stream, rows), last=last)
            report_records.dump_window(window)
            return window, None if window.verdict == FAILED else fitted.memory()
        except NotReadyError:
            self._attempts.release(name, stream, due.before)
            raise
        except (DataError, *OWN_FAULTS) as error:
            return replace(failed(due.span, fitted.detector.name, shown(error)), last=last), None

    def _examined(self, watch: Watch, fitted: Fitted, stream: Stream, rows: Rows) -> Window:
        """Return a window's record, with the quality to expect where earlier labels tell."""
        labels = watch.labels
        if labels is None:
            return examine(rows, fitted)
        window = examine(rows, fitted, binary=labels.task is Task.BINARY)
        bins = [one for before in self._earlier(watch, stream) for one in before.calibration]
        try:
            predicted = usable(predictions(rows.outputs, labels.task, labels.output))
        except JudgeError as error:
            return replace(window, differences=(*window.differences, str(error)))
        return replace(window, estimated=named(expected(labels.task, predicted, bins)))

    def _judge(self, watch: Watch, stream: Stream, now: float) -> bool:
        if watch.labels is None:
            return False
        before, last = self._next(watch.labels_name, stream, watch, now)
        if last is None or not self._are_labels_due(stream, last, watch.labels, now):
            return False
        span = self._reader.span(stream, before, last)
        if span is None:
            return self._store.advance(watch.labels_name, _key(stream), before, last)
        due = _Due(stream=stream, before=before, last=last, span=span)
        labels = self._labelled(watch, watch.labels, due)
        if labels.failure:
            _tell_failure(stream, watch.labels_name, labels.failure)
        verdict = Verdict(
            stream=stream,
            detector=watch.labels_name,
            begin=labels.begin,
            end=labels.end,
            rows=labels.rows,
            drifted=bool(labels.changes),
            document=report_records.dump_labels(labels),
        )
        return self._store.keep_verdict(watch.labels_name, before, last, verdict)

    def _labelled(self, watch: Watch, settings: LabelSettings, due: "_Due") -> Labels:
        """Return what the labels of a window say, whatever they are."""
        if not self._attempts.begin(watch.labels_name, due.stream, due.before):
            return unjudged(due.span, settings, ENDED)
        try:
            exchanges = self._reader.by_number(due.stream, due.before, due.last)
            labels = judged(exchanges, settings, self._earlier(watch, due.stream))
            report_records.dump_labels(labels)
            return labels
        except NotReadyError:
            self._attempts.release(watch.labels_name, due.stream, due.before)
            raise
        except (DataError, *OWN_FAULTS) as error:
            return unjudged(due.span, settings, shown(error))

    def _are_labels_due(self, stream: Stream, last: int, labels: LabelSettings, now: float) -> bool:
        newest = next(self._reader.by_number(stream, last - 1, last), None)
        # What was removed meanwhile waits for no labels.
        return newest is None or newest.received + labels.delay_hours * 3600 <= now

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
            verdicts = self._reader.newest_of(stream, watch.labels_name, HISTORY)
            earlier: list[Labels] = []
            for one in verdicts:
                with suppress(DataError):  # Another release kept what this one cannot read.
                    earlier.append(report_records.load_labels(one.document))
            held = self._labels[watch, stream] = _Earlier(place=place, labels=tuple(earlier))
        return held.labels


@dataclass(frozen=True, kw_only=True, slots=True)
class _Due:
    """A window that is due: a stream's exchanges after `before`, up to `last`."""

    stream: Stream
    before: int
    last: int
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class _Earlier:
    """The newest labelled windows of a stream, as of a place in it."""

    place: int
    labels: tuple[Labels, ...]


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.namespace, stream.service, stream.version


def _tell_failure(stream: Stream, name: str, failure: str) -> None:
    of_service = {"namespace": stream.namespace, "service": stream.service}
    logger.error("%s: %s", title(stream, name), failure, extra=of_service)

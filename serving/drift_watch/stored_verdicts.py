"""What the store has of verdicts, as reports, lines and metrics need it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import report_records
from kanaria.serving.drift.report_records import Labels, Report, Watched, Window
from kanaria.serving.payload_log.exchanges import OF_LABELS, Stream, Verdict
from kanaria.serving.payload_log.store_reader import Reader

Record = TypeVar("Record", Window, Labels)
MOST_WINDOWS = 100
"""Windows of a stream in a report, the newest: a document takes some 10 kB."""
RECENT_WINDOWS = 3
"""Windows of a stream of which is shown how many drifted: one alone may be chance."""
TITLE = "Drift of served models"


@dataclass(frozen=True, kw_only=True, slots=True)
class Newest:
    """What a watch last found for one stream.

    Attributes:
        name: of the watch.
        window: the newest one tested.
        labels: of the newest window due for labels, None where none is.
        recent: of the newest `RECENT_WINDOWS`, whether each drifted; None where nobody could tell.
    """

    stream: Stream
    name: str
    window: Window | None
    labels: Labels | None
    recent: tuple[bool | None, ...] = ()


def newest(reader: Reader) -> list[Newest]:
    """Return what each watch last found for each stream."""
    return [
        Newest(
            stream=stream,
            name=name,
            window=next(iter(_windows(windows[-1:])), None),
            labels=next(iter(_labels(labels[-1:])), None),
            recent=tuple(verdict.drifted for verdict in windows),
        )
        for (stream, name), (windows, labels) in _grouped(
            reader.newest_verdicts(RECENT_WINDOWS)
        ).items()
    ]


def report(reader: Reader, now: float) -> Report:
    """Return the report of what was found of late.

    Args:
        reader: of the store.
        now: seconds since 1970.
    """
    return _report(reader.newest_verdicts(MOST_WINDOWS), now)


def report_of(reader: Reader, stream: Stream, end: float, now: float) -> Report:
    """Return the report of what was found of one version until a moment.

    Args:
        reader: of the store.
        stream: the version.
        end: seconds since 1970, of the last window, included.
        now: seconds since 1970.
    """
    detectors = {one.detector for one in reader.verdicts(stream, 0.0, end)}
    newest = [
        verdict
        for detector in detectors
        for verdict in reader.newest_of(stream, detector, MOST_WINDOWS, end)
    ]
    return _report(sorted(newest, key=lambda one: (one.begin, one.end, one.detector)), now)


def _report(verdicts: Iterable[Verdict], now: float) -> Report:
    grouped = _grouped(verdicts)
    watched = tuple(
        Watched(
            name=title(stream, name),
            windows=_windows(windows),
            labels=_labels(labels),
        )
        for (stream, name), (windows, labels) in grouped.items()
    )
    return Report(title=TITLE, created=now, watched=watched)


def title(stream: Stream, name: str) -> str:
    """Return what to call a watch of a stream."""
    version = f"version {stream.version}" if stream.version else "no version"
    return f"{stream.namespace}/{stream.service}, {version}, {name}"


VerdictsOfWatches = dict[tuple[Stream, str], tuple[list[Verdict], list[Verdict]]]


def _grouped(verdicts: Iterable[Verdict]) -> VerdictsOfWatches:
    """Return the verdicts on windows and on labels by stream and watch, in the order of time."""
    grouped: VerdictsOfWatches = {}
    for verdict in verdicts:
        name = verdict.detector.removesuffix(OF_LABELS)
        pair = grouped.setdefault((verdict.stream, name), ([], []))
        pair[name != verdict.detector].append(verdict)
    ordered = sorted(grouped, key=lambda key: (*_key(key[0]), key[1]))
    return {key: grouped[key] for key in ordered}


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.namespace, stream.service, stream.version


def _windows(verdicts: Sequence[Verdict]) -> tuple[Window, ...]:
    return tuple(_loaded(verdicts, report_records.load_window))


def _labels(verdicts: Sequence[Verdict]) -> tuple[Labels, ...]:
    return tuple(_loaded(verdicts, report_records.load_labels))


def _loaded(verdicts: Sequence[Verdict], load: Callable[[str], Record]) -> Iterator[Record]:
    """Yield the documents of verdicts; those that another version or program kept are left out."""
    for verdict in verdicts:
        with suppress(DataError):
            yield load(verdict.document)

"""What the store has of verdicts, as reports, lines and metrics need it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kanaria.serving.drift.report import records
from kanaria.serving.drift.report.records import Labels, Report, Watched, Window
from kanaria.serving.drift_server.exchanges import Stream, Verdict
from kanaria.serving.drift_server.reading import Reader
from kanaria.serving.drift_server.watching.settings import LABELS

MOST_WINDOWS = 200
"""Windows of a stream in a report, the newest."""
EVER = (-1e12, 1e12)
"""Seconds since 1970, long before and after any event."""
TITLE = "Drift of served models"


@dataclass(frozen=True, kw_only=True, slots=True)
class Newest:
    """What a watch last found for one stream.

    Attributes:
        name: of the watch.
        window: the newest one tested.
        labels: of the newest window due for labels, None where none is.
    """

    stream: Stream
    name: str
    window: Window | None
    labels: Labels | None


def newest(reader: Reader) -> list[Newest]:
    """Return what each watch last found for each stream."""
    return [
        Newest(
            stream=stream,
            name=name,
            window=_windows(windows[-1:])[0] if windows else None,
            labels=_labels(labels[-1:])[0] if labels else None,
        )
        for (stream, name), (windows, labels) in _grouped(reader.newest_verdicts()).items()
    ]


def report(reader: Reader, now: float) -> Report:
    """Return the report of all that was found.

    Args:
        reader: of the store.
        now: seconds since 1970.
    """
    watched = tuple(
        Watched(
            name=title(stream, name),
            windows=_windows(windows[-MOST_WINDOWS:]),
            labels=_labels(labels[-MOST_WINDOWS:]),
        )
        for (stream, name), (windows, labels) in _grouped(reader.verdicts(None, *EVER)).items()
    )
    return Report(title=TITLE, created=now, watched=watched)


def title(stream: Stream, name: str) -> str:
    """Return what to call a watch of a stream."""
    version = f"version {stream.version}" if stream.version else "no version"
    return f"{stream.namespace}/{stream.service}, {version}, {name}"


Found = dict[tuple[Stream, str], tuple[list[Verdict], list[Verdict]]]


def _grouped(verdicts: Iterable[Verdict]) -> Found:
    """Return the verdicts on windows and on labels by stream and watch, in the order of time."""
    found: Found = {}
    for verdict in verdicts:
        name = verdict.detector.removesuffix(LABELS)
        pair = found.setdefault((verdict.stream, name), ([], []))
        pair[name != verdict.detector].append(verdict)
    ordered = sorted(found, key=lambda key: (*_key(key[0]), key[1]))
    return {key: found[key] for key in ordered}


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.namespace, stream.service, stream.version


def _windows(verdicts: Sequence[Verdict]) -> tuple[Window, ...]:
    return tuple(records.load_window(verdict.document) for verdict in verdicts)


def _labels(verdicts: Sequence[Verdict]) -> tuple[Labels, ...]:
    return tuple(records.load_labels(verdict.document) for verdict in verdicts)

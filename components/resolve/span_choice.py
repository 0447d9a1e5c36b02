"""Which spans a run reads. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from kanaria.components.resolve import span_pattern
from kanaria.components.resolve.span_pattern import Position
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.errors import shown as quoted

LATEST = "latest"
SCHEDULE_TIME = "schedule-time"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
WRITE = "write latest, schedule-time, a number, a day as 2013-03-01, or 2013-03-01T06:00:00Z"
UNKNOWN_TIME = "schedule-time: the time is not known; KFP tells it from 2.17 on"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What was asked for.

    Attributes:
        span: number of the newest span, None for the latest there is.
        version: number of the version, None for the latest of each span.
        window: how many spans up to and with that one, 1 or more.
    """

    span: int | None
    version: int | None
    window: int


def named_day(text: str) -> date | None:
    """Return the day in UTC of a day or an RFC 3339 time, None for other text."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
        time = datetime.fromisoformat(text.upper())
        return time.astimezone(UTC).date() if time.tzinfo else None
    except (ValueError, OverflowError):  # In UTC it may be a day after the last one there is.
        return None


def _scheduled(schedule_time: str, faults: Faults) -> int | None:
    """Return the span of a schedule's time; who does not know it leaves KFP's placeholder."""
    day = named_day(schedule_time)
    faults.check(day is not None, "schedule_time", schedule_time, UNKNOWN_TIME)
    return span_pattern.span_of(day) if day else None


def _span(text: str, dated: bool, faults: Faults) -> int | None:
    if text == LATEST:
        return None
    if text.isdecimal() and not dated:
        return int(text)
    day = named_day(text)
    faults.check(day is not None, "span", text, WRITE)
    return span_pattern.span_of(day) if day else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanRequest:
    """What a user asks for, as text.

    Attributes:
        span: "latest", "schedule-time", a number, a day, or an RFC 3339 time (its day in UTC).
        version: "latest" or a number.
        window: 1 or more.
        schedule_time: RFC 3339 time of the schedule that started the run; other text without one.
    """

    span: str = LATEST
    version: str = LATEST
    window: int = 1
    schedule_time: str = ""


def parse(request: SpanRequest, *, dated: bool, faults: Faults) -> Choice:
    """Read what was asked for; every fault is added to `faults`.

    Args:
        request: the text.
        dated: whether the spans are days, so that a number names none.
        faults: where faults go.
    """
    version = request.version
    is_version = version == LATEST or version.isdecimal()
    faults.check(is_version, "version", version, "write latest or a number")
    faults.check(request.window >= 1, "window", request.window, "use 1 or more spans")
    if request.span == SCHEDULE_TIME:
        span = _scheduled(request.schedule_time, faults)
    else:
        span = _span(request.span, dated, faults)
    number = int(version) if version.isdecimal() else None
    return Choice(span=span, version=number, window=request.window)


def spans(
    positions_of: Mapping[str, Collection[Position]], choice: Choice
) -> dict[str, tuple[Position, ...]]:
    """Return pattern -> the positions to read, the oldest first.

    All patterns give the same spans. The latest span is the newest that every pattern has, so
    that one that is only half there waits.

    Args:
        positions_of: pattern -> the positions that its files have.
        choice: what was asked for.

    Raises:
        DataError: a pattern has no files of the span, or not of the version.
    """
    usable = {
        pattern: _newest_versions(positions, choice.version)
        for pattern, positions in positions_of.items()
    }
    newest = _newest(usable) if choice.span is None else choice.span
    for pattern, versions in usable.items():
        if newest not in versions:
            raise DataError(_absent(pattern, positions_of[pattern], newest, choice))
    first = newest - choice.window + 1
    common = set.intersection(*(set(versions) for versions in usable.values()))
    wanted = sorted(span for span in common if first <= span <= newest)
    return {
        pattern: tuple(Position(span=span, version=versions[span]) for span in wanted)
        for pattern, versions in usable.items()
    }


def _newest_versions(positions: Collection[Position], version: int | None) -> dict[int, int]:
    """Return span -> its newest version, or the one asked for where it has that."""
    usable = [p for p in positions if version is None or p.version == version]
    return {position.span: position.version for position in sorted(usable)}


def _newest(usable: Mapping[str, Mapping[int, int]]) -> int:
    common = set.intersection(*(set(versions) for versions in usable.values()))
    empty = [pattern for pattern, versions in usable.items() if not versions]
    if common:
        return max(common)
    if empty:
        raise DataError(f"data={quoted(empty[0])}: matches no file; check the path")
    raise DataError(f"data: no span that all patterns have: {quoted(sorted(usable))}")


def _absent(pattern: str, positions: Collection[Position], span: int, choice: Choice) -> str:
    spans = sorted({position.span for position in positions})
    names = [span_pattern.shown(pattern, other) for other in spans[-5:]]
    version = f" version {choice.version}" if choice.version is not None else ""
    return (
        f"data={quoted(pattern)}: no span {span_pattern.shown(pattern, span)}{version}; "
        f"the newest are: {', '.join(names) or 'none'}"
    )


def text(pattern: str, positions: Sequence[Position]) -> str:
    """Return the spans as a user writes them: `15`, `2013-03-01`, or `first..last`."""
    names = [span_pattern.shown(pattern, position.span) for position in positions]
    return names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"

"""When a schedule starts runs: cron or an interval, between two times. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.submit.collected_faults import attempt
from kanaria.pipelines.submit.cron import six_fields

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in UNITS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """When runs start.

    Attributes:
        cron: six fields, in the server's time zone; "" for an interval.
        every: seconds between two runs, 0 for cron.
        start: no run before, RFC 3339; "" for at once.
        end: no run after, RFC 3339; "" for never.
    """

    cron: str
    every: int
    start: str
    end: str

    def __str__(self) -> str:
        """Return it as `kanaria schedule list` shows it."""
        when = self.cron or f"every {duration_text(self.every)}"
        since = f" from {self.start}" if self.start else ""
        return when + since + (f" until {self.end}" if self.end else "")


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as "6h", "1d", "1h30m" or "90s".

    Raises:
        ParameterError: it is no such duration, or nothing long.
    """
    match = DURATION.fullmatch(duration.strip())
    total = match and sum(int(match[unit] or 0) * size for unit, size in UNITS.items())
    if not total:
        raise ParameterError(f"every={shown(duration)}: write a duration as 6h, 1d, 1h30m or 90s")
    return total


def duration_text(total: int) -> str:
    """Return seconds as a duration, for instance "1h30m"."""
    text = ""
    for unit, size in UNITS.items():
        count, total = divmod(total, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _time(name: str, text: str) -> datetime:
    """Return a time with its zone.

    Raises:
        ParameterError: it is no RFC 3339 time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ParameterError(
            f"{name}={shown(text)}: write a time as 2026-01-31T06:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise ParameterError(f"{name}={shown(text)}: add the time zone, for instance Z for UTC")
    return moment.astimezone(UTC)


def trigger(cron: str = "", every: str = "", start: str = "", end: str = "") -> Trigger:
    """Return a trigger from what a user wrote.

    Args:
        cron: five fields (minute first), KFP's six, or a shortcut such as "@daily"; or "".
        every: a duration; or "". Exactly one of `cron` and `every` is given.
        start: RFC 3339 time of the first run at the earliest; or "".
        end: RFC 3339 time of the last run at the latest; or "".

    Raises:
        ParameterError: something is wrong; every fault is named.
    """
    faults = Faults("when")
    if bool(cron) == bool(every):
        faults.add("give either cron or every")
    fields = attempt(faults, six_fields, cron) if cron else None
    interval = attempt(faults, seconds, every) if every else None
    first = attempt(faults, _time, "start", start) if start else None
    last = attempt(faults, _time, "end", end) if end else None
    if first and last:
        faults.check(first < last, "end", end, f"it is not after the start, {start}")
    faults.raise_if_any()
    return Trigger(cron=fields or "", every=interval or 0, start=_text(first), end=_text(last))


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time else ""

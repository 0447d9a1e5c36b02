"""Whether a trigger starts a run now. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from enum import StrEnum

from kanaria.components.shared.times import duration


class Reason(StrEnum):
    """Why a trigger starts no run."""

    RUNNING = "running"
    COOL_DOWN = "cool_down"
    BUDGET = "budget"
    QUIET_HOURS = "quiet_hours"
    TOO_FEW_ROWS = "too_few_rows"
    MALFORMED = "malformed"
    """A message that says what it is, and is not; it waits for nothing."""
    NO_TRIGGER = "no_match"
    """Its trigger is no longer in the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What holds a trigger back.

    Attributes:
        cool_down: least seconds from the begin of a run to the next; 0 for none.
        runs_a_day: most runs that begin on one day; 0 for no limit.
        quiet: begin and end of the hours in which no run begins, None for none.
        zone: of the quiet hours, and of the day.
        labelled_rows: that must be new since the last run; 0 for none.
    """

    cool_down: float = 0.0
    runs_a_day: int = 0
    quiet: tuple[time, time] | None = None
    zone: tzinfo = UTC
    labelled_rows: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What has been until now.

    Attributes:
        under_way: name of a run of the pipeline that goes on, "" for none.
        last_start: when the trigger's last run began, in seconds since 1970; None for never.
        runs_today: the trigger's runs that began on this day of the zone.
        labelled_rows: that got their label since then; None where nobody asks.
    """

    under_way: str = ""
    last_start: float | None = None
    runs_today: int = 0
    labelled_rows: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is done: `reason` is None where a run begins, else `why` says it with its numbers."""

    reason: Reason | None = None
    why: str = ""

    @property
    def starts(self) -> bool:
        """Whether a run begins."""
        return self.reason is None


def decide(limits: Limits, past: Past, now: float) -> Decision:
    """Return whether a run begins; the first line of the table that holds decides.

    | when                                                        | then                  |
    |-------------------------------------------------------------|-----------------------|
    | a run of the pipeline goes on                               | refused: running      |
    | less than cool_down has passed since the last run's begin   | refused: cool_down    |
    | runs_a_day runs began today                                 | refused: budget       |
    | the time of the day is in the quiet hours                   | refused: quiet_hours  |
    | fewer than labelled_rows new rows have a label              | refused: too_few_rows |
    | else                                                        | a run begins          |

    Args:
        limits: of the trigger.
        past: of the trigger and its pipeline.
        now: in seconds since 1970.
    """
    local = datetime.fromtimestamp(now, limits.zone)
    if past.under_way:
        return _refused(Reason.RUNNING, f"run {past.under_way} of the pipeline goes on")
    if past.last_start is not None and now - past.last_start < limits.cool_down:
        passed, needed = duration(now - past.last_start), duration(limits.cool_down)
        return _refused(Reason.COOL_DOWN, f"the last run began {passed} ago, of {needed} to wait")
    if limits.runs_a_day and past.runs_today >= limits.runs_a_day:
        began = f"{past.runs_today} of {limits.runs_a_day} runs began on {local:%Y-%m-%d}"
        return _refused(Reason.BUDGET, began)
    if limits.quiet and is_quiet(local.time(), *limits.quiet):
        hours = f"{limits.quiet[0]:%H:%M} to {limits.quiet[1]:%H:%M}"
        return _refused(Reason.QUIET_HOURS, f"it is {local:%H:%M %Z}, quiet from {hours}")
    rows = past.labelled_rows or 0
    if rows < limits.labelled_rows:
        few = f"{rows} rows got a label since the last run, of {limits.labelled_rows} needed"
        return _refused(Reason.TOO_FEW_ROWS, few)
    return Decision()


def is_quiet(clock: time, begin: time, end: time) -> bool:
    """Tell whether a time of the day lies in [begin, end), across midnight where end is first.

    Args:
        clock: the time of the day, in the zone of the trigger.
        begin: first quiet moment.
        end: first moment that is not quiet any more; not after `begin`, it is on the next day.
    """
    if begin < end:
        return begin <= clock < end
    return clock >= begin or clock < end


def day_begin(now: float, zone: tzinfo) -> float:
    """Return when the day of `now` began in the zone, in seconds since 1970.

    Args:
        now: a moment, in seconds since 1970.
        zone: whose midnight counts; a day may have 23 or 25 hours there.
    """
    local = datetime.fromtimestamp(now, zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()


def _refused(reason: Reason, why: str) -> Decision:
    return Decision(reason=reason, why=why)

"""Schedules as people write them, as KFP takes them. Pure.

KFP reads six fields, seconds first (robfig/cron); people write five, as cron(5) has them.
"""

import re
from dataclasses import dataclass

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.parameters import Faults

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
SHORT = {
    "@yearly": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
}
EVERY = re.compile(r"([1-9][0-9]*)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of a cron expression: its name, its range, and names of its values from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field(name="minute", low=0, high=59),
    Field(name="hour", low=0, high=23),
    Field(name="day of month", low=1, high=31),
    Field(name="month", low=1, high=12, names=tuple(MONTHS)),
    Field(name="day of week", low=0, high=6, names=tuple(DAYS)),
)


def _number(field: Field, text: str) -> int | None:
    """Return a value of the field, None where the text names none."""
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    if not text.isdecimal():
        return None
    # Sunday is 0 and, in cron(5), 7 too; robfig/cron knows 0 alone.
    value = 0 if field.names == tuple(DAYS) and text == "7" else int(text)
    return value if field.low <= value <= field.high else None


def _part(field: Field, text: str) -> str | None:
    """Return one part of a list in numbers, None where it is malformed."""
    body, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return None
    suffix = f"/{step}" if slash else ""
    if body == "*":
        return f"*{suffix}"
    first, dash, last = body.partition("-")
    low, high = _number(field, first), _number(field, last) if dash else None
    if low is None or (dash and (high is None or high < low)):
        return None
    return f"{low}-{high}{suffix}" if dash else f"{low}{suffix}"


def to_kfp(expression: str) -> str:
    """Return a cron expression of five fields with KFP's six, seconds first.

    Args:
        expression: five fields as in cron(5), or @hourly, @daily, @weekly, @monthly, @yearly.

    Raises:
        ParameterError: a field is malformed or out of range; all are named.
    """
    fields = SHORT.get(expression.strip(), expression).split()
    if len(fields) != len(FIELDS):
        raise ParameterError(
            f"cron={expression!r}: has {len(fields)} fields; write minute, hour, day of month, "
            "month and day of week, as '0 6 * * 1-5'"
        )
    faults, found = Faults("schedule"), []
    for field, text in zip(FIELDS, fields, strict=True):
        parts = [_part(field, part) for part in text.split(",")]
        remedy = f"the {field.name} is {field.low} to {field.high}, *, a-b, a,b or */n"
        faults.check(None not in parts, "cron", text, remedy)
        found.append(",".join(part or "" for part in parts))
    faults.raise_if_any()
    return " ".join(["0", *found])


def seconds(every: str) -> int:
    """Return an interval such as 90s, 15m, 6h or 1d in seconds.

    Raises:
        ParameterError: it is no such interval.
    """
    found = EVERY.fullmatch(every)
    if not found:
        raise ParameterError(f"every={every!r}: write an interval as 90s, 15m, 6h or 1d")
    return int(found[1]) * SECONDS[found[2]]

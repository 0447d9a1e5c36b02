"""Cron expressions: what people write, in the six fields that KFP reads. Pure.

KFP's server parses with github.com/robfig/cron v1, whose first field is the second and whose
last, the day of the week, may be missing: five fields would be accepted there and mean another
time. So five fields get second 0 here, six are taken as KFP's own, and whatever that parser
would refuse, or take for "never", is named before anything is sent.
"""

import re
from dataclasses import dataclass, field

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
ANY = ("*", "?")
SHORTCUTS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days that each month may have."""
ITEM = re.compile(r"(?P<first>[^-/]+)(-(?P<last>[^-/]+))?(/(?P<step>[^-/]+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """What one field of an expression may say."""

    name: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """Return the value of a number or a name; raise ValueError with what is wrong."""
        if text.lower() in self.names:
            return self.names[text.lower()]
        if not (text.isascii() and text.isdigit()):
            names = f" and {', '.join(self.names)}" if self.names else ""
            raise ValueError(f"{shown(text)} is no value; use {self.low} to {self.high}{names}")
        value = int(text)
        if self.high == len(DAYS) - 1 and value == len(DAYS):
            raise ValueError("7 is no day of the week for KFP; Sunday is 0")
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is out of range; use {self.low} to {self.high}")
        return value

    def item(self, text: str) -> set[int]:
        """Return the values of one item of a list: `*`, `5`, `1-5`, `*/15`, `10-50/20`."""
        match = ITEM.fullmatch(text)
        if not match:
            raise ValueError(f"{shown(text)} is no value, range (1-5) or step (*/15)")
        first, last, step = match["first"], match["last"], match["step"]
        if first in ANY:
            if last is not None:
                raise ValueError(f"{shown(text)}: a range begins with a value")
            low, high = self.low, self.high
        else:
            low = self.number(first)
            # A step after one value counts on to the end, as KFP's parser has it.
            open_end = self.high if step is not None else low
            high = self.number(last) if last is not None else open_end
        if low > high:
            raise ValueError(f"{shown(text)}: the range ends before it begins")
        if step is not None and not (step.isascii() and step.isdigit() and int(step) > 0):
            raise ValueError(f"{shown(text)}: a step is a number above 0")
        return set(range(low, high + 1, int(step or 1)))

    def values(self, text: str) -> set[int]:
        """Return the values of a whole field, a list of items separated by commas."""
        if "" in text.split(","):
            raise ValueError(f"{shown(text)}: an item of the list is empty")
        return set().union(*(self.item(item) for item in text.split(",")))


FIELDS = (
    _Field(name="second", low=0, high=59),
    _Field(name="minute", low=0, high=59),
    _Field(name="hour", low=0, high=23),
    _Field(name="day of month", low=1, high=31),
    _Field(
        name="month",
        low=1,
        high=12,
        names={name: number for number, name in enumerate(MONTHS, start=1)},
    ),
    _Field(
        name="day of week",
        low=0,
        high=6,
        names={name: number for number, name in enumerate(DAYS)},
    ),
)


def six_fields(expression: str) -> str:
    """Return a cron expression as KFP reads it: second, minute, hour, day, month, day of week.

    Args:
        expression: five fields (minute first), KFP's six, or a shortcut such as "@daily".

    Raises:
        ParameterError: the expression is wrong; every fault is named.
    """
    faults = Faults(f"cron {shown(expression)}")
    text = SHORTCUTS.get(expression.strip().lower(), expression)
    parts = text.split()
    if text.strip().startswith("@"):
        faults.add(f"no such shortcut; there are {', '.join(SHORTCUTS)}; for @every use --every")
    elif parts and "=" in parts[0]:
        faults.add("a time zone cannot be given; the server decides it (UTC if nobody changed it)")
    elif len(parts) not in (5, 6):
        faults.add(
            f"{len(parts)} fields; write 5: minute, hour, day of month, month, day of week; "
            "or 6 with the second before them"
        )
    faults.raise_if_any()
    parts = parts if len(parts) == len(FIELDS) else ["0", *parts]
    values: list[set[int]] = []
    for place, part in zip(FIELDS, parts, strict=True):
        try:
            values.append(place.values(part))
        except ValueError as error:
            faults.add(f"{place.name}: {error}")
    faults.raise_if_any()
    if _never(parts, values):
        faults.add("day of month: no month of these has such a day, so it never happens")
    faults.raise_if_any()
    return " ".join(parts)


def _never(parts: list[str], values: list[set[int]]) -> bool:
    """Tell whether no date matches.

    A day of the week without a star is enough by itself: a day counts when either field names it.
    """
    days, months = values[3], values[4]
    any_weekday = any(item.startswith(ANY) for item in parts[5].split(","))
    return any_weekday and all(min(days) > LONGEST[month - 1] for month in months)

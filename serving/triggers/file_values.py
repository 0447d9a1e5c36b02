"""Values of the file of triggers: durations, times of the day, time zones, names."""

import os
import re
from datetime import time
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in UNITS))
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _seconds(value: object) -> float:
    match = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("write a duration as 6h, 1d, 1h30m or 90s")
    return sum(int(match[unit] or 0) * size for unit, size in UNITS.items())


def _clock(value: object) -> time:
    if not isinstance(value, str) or not CLOCK.fullmatch(value):
        raise ValueError('write a time of the day in quotes, as "22:00"')
    return time.fromisoformat(value)


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("name a time zone as Europe/Berlin or UTC")
    return name


def _own_namespace() -> str:
    """Return that of the server; on one machine "default"."""
    return os.environ.get("KANARIA_NAMESPACE", "default")


Seconds = Annotated[float, PlainValidator(_seconds, json_schema_input_type=str)]
Clock = Annotated[time, PlainValidator(_clock, json_schema_input_type=str)]
Zone = Annotated[str, AfterValidator(_zone)]
Text = Annotated[str, Field(min_length=1)]
Namespace = Annotated[str, Field(min_length=1, default_factory=_own_namespace)]
Label = Annotated[
    str, BeforeValidator(lambda value: value if isinstance(value, str) else str(value))
]


class Section(BaseModel):
    """What all parts of the file share: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

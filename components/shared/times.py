"""Times and spans of time as a person reads them. Pure."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def clock(when: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a time, seconds since 1970, in UTC."""
    return datetime.fromtimestamp(when, UTC).strftime(form)


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units, for instance "2 h 10 min"."""
    left = round(max(seconds, 0.0))
    parts = []
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", 1.0)):
        count, left = divmod(left, int(size))
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def stopwatch(seconds: float) -> str:
    """Return how long something took, with tenths of a second below a minute."""
    return f"{seconds:.1f} s" if seconds < MINUTE else duration(seconds)

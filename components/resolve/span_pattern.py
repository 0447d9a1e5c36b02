"""Spans and versions in path patterns. Pure.

data/span-{SPAN}/v{VERSION}/*.csv      numbers, read from the path
data/{YYYY}-{MM}-{DD}/*.csv            a day; its span is the number of days since 1970-01-01
data/{SPAN:4}/*.csv                    a number of exactly four digits

Source: the tokens of TFX's ExampleGen ("Span, version and split", TFX guide).
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from kanaria.components.shared.config.parameters import Faults

TOKEN = re.compile(r"\{(\w+)(?::(\w*))?\}")
WIDTHS = {"YYYY": 4, "MM": 2, "DD": 2}
DATE = ("YYYY", "MM", "DD")
# Nothing tells where one of two open numbers ends.
OPEN_PAIR = re.compile(r"\{(?:SPAN|VERSION)\}\{(?:SPAN|VERSION)\}")
NAMES = ("SPAN", "VERSION", *DATE)
FIRST_DAY = date(1970, 1, 1)
PIECE = re.compile(rf"(?P<token>{TOKEN.pattern})|(?P<many>\*\*/?)|(?P<wild>\*|\?|\[[^\]]*\])")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Position:
    """Where a file stands: its span, and its version (0 where the pattern has none)."""

    span: int
    version: int = 0


def tokens(pattern: str) -> set[str]:
    """Return the names of the tokens in a pattern."""
    return {match[1] for match in TOKEN.finditer(pattern)}


def is_dated(pattern: str) -> bool:
    """Tell whether a span of the pattern is a day."""
    return bool(tokens(pattern) & set(DATE))


def day_of(span: int) -> date:
    """Return the day that is `span` days after 1970-01-01."""
    return FIRST_DAY + timedelta(days=span)


def span_of(day: date) -> int:
    """Return the number of days from 1970-01-01 to a day."""
    return (day - FIRST_DAY).days


def shown(pattern: str, span: int) -> str:
    """Return a span as the pattern's user writes it: a day, or a number."""
    return day_of(span).isoformat() if is_dated(pattern) else str(span)


def check(pattern: str, faults: Faults) -> None:
    """Add every fault of a pattern's tokens to `faults`."""
    names = tokens(pattern)
    unknown = sorted(names - set(NAMES))
    choices = ", ".join(f"{{{name}}}" for name in NAMES)
    faults.check(not unknown, "data", pattern, f"unknown token {unknown}; there are {choices}")
    dated = names & set(DATE)
    whole = not dated or dated == set(DATE)
    faults.check(whole, "data", pattern, "a day needs {YYYY}, {MM} and {DD}")
    faults.check(not (dated and "SPAN" in names), "data", pattern, "give {SPAN} or a day, not both")
    versioned = "VERSION" not in names or bool(dated) or "SPAN" in names
    faults.check(versioned, "data", pattern, "{VERSION} needs {SPAN} or a day beside it")
    is_separated = not OPEN_PAIR.search(pattern)
    faults.check(
        is_separated, "data", pattern, "give a width, as {SPAN:3}, or put text between the numbers"
    )
    for name, width in ((token[1], token[2]) for token in TOKEN.finditer(pattern)):
        fits = width is None or (
            name in ("SPAN", "VERSION") and width.isdigit() and 0 < int(width) < 100
        )
        faults.check(fits, "data", pattern, f"{{{name}:{width}}}: the width is a number of digits")


def _digits(name: str, width: str | None) -> str:
    count = int(width) if width else WIDTHS.get(name)
    return f"[0-9]{{{count}}}" if count else "[0-9]+"


def wildcards(pattern: str) -> str:
    """Return the pattern with its tokens as wildcards, for listing files."""

    def wildcard(token: re.Match[str]) -> str:
        count = int(token[2]) if token[2] else WIDTHS.get(token[1])
        return "[0-9]" * count if count else "*"

    return TOKEN.sub(wildcard, pattern)


def expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of paths that fit, a named group for each token."""
    named: set[str] = set()

    def piece(match: re.Match[str]) -> str:
        if match["many"]:
            # `**/` stands for no folder as well.
            return "(?:.*?/)??" if match["many"].endswith("/") else ".*?"
        if match["wild"]:
            return "[^/]*?" if match["wild"] == "*" else "[^/]"
        name = match[2]
        if name in named:
            return f"(?P={name})"  # A token that repeats has one value.
        named.add(name)
        return f"(?P<{name}>{_digits(name, match[3])})"

    parts, end = [], 0
    for match in PIECE.finditer(pattern):
        parts += [re.escape(pattern[end : match.start()]), piece(match)]
        end = match.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]))


def spelling(form: re.Pattern[str], path: str) -> tuple[str, ...]:
    """Return the digits of the tokens in a path that fits."""
    match = form.fullmatch(path)
    return match.groups() if match else ()


def position(form: re.Pattern[str], path: str) -> Position | None:
    """Return where a path stands, or None when it does not fit or names no day of the calendar."""
    match = form.fullmatch(path)
    if match is None:
        return None
    values = {name: int(text) for name, text in match.groupdict().items()}
    version = values.get("VERSION", 0)
    if "YYYY" not in values:
        return Position(span=values["SPAN"], version=version)
    try:
        day = date(values["YYYY"], values["MM"], values["DD"])
    except ValueError:
        return None
    return Position(span=span_of(day), version=version)

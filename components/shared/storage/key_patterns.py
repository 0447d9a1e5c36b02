"""Patterns over keys of objects, with the meaning that `glob` gives them over paths. Pure."""

import fnmatch
import re
from collections.abc import Sequence

WILDCARD = re.compile(r"[*?\[]")


def literal(pattern: str) -> str:
    """Return the longest beginning of a pattern that holds no wildcard."""
    match = WILDCARD.search(pattern)
    return pattern[: match.start()] if match else pattern


def fits(pattern: str, key: str) -> bool:
    """Tell whether `key` fits: `*`, `?`, `[...]` within a part, `**` over any number of parts.

    A part that begins with `.` or `_` fits only where the pattern's part does too, unless it is a
    `_key=value`. Source: `InMemoryFileIndex.shouldFilterOutPathName` of Spark.
    """
    return _fit(pattern.split("/"), key.split("/"))


def _fit(patterns: Sequence[str], parts: Sequence[str]) -> bool:
    if not patterns or not parts:
        return not patterns and not parts
    first, rest = patterns[0], patterns[1:]
    if first != "**":
        return _part_fits(first, parts[0]) and _fit(rest, parts[1:])
    if not rest:
        return all(_visible(part) for part in parts)
    return _fit(rest, parts) or (_visible(parts[0]) and _fit(patterns, parts[1:]))


def _part_fits(pattern: str, part: str) -> bool:
    shown = _visible(part) or pattern.startswith(part[:1])
    return shown and bool(part) and fnmatch.fnmatchcase(part, pattern)


def _visible(part: str) -> bool:
    is_hidden = part.startswith(".") or (part.startswith("_") and "=" not in part)
    return bool(part) and not is_hidden

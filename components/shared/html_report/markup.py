"""Markup: elements whose text is escaped, and the style of all pages."""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

MOST_TOLD = 300
"""Characters of a text that was cut, which are told to who points at it."""
HINT = re.compile('<span title="[^"]*">([^<]*)</span>')


@cache
def style() -> str:
    """Return the style of all pages."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


class Markup(str):
    """Text that is already HTML and must not be escaped again."""


class CutText(str):
    """The beginning of a text, which a page shows whole where a reader points at it.

    Attributes:
        whole: the text, or as much of it as is told.
    """

    whole: str

    def __new__(cls, value: str, most: int) -> "CutText":
        """Cut `value` after `most` characters."""
        shortened = super().__new__(cls, f"{value[:most]}…")
        shortened.whole = value if len(value) <= MOST_TOLD else f"{value[:MOST_TOLD]}…"
        return shortened


def text(value: object) -> Markup:
    """Escape `value`; Markup passes unchanged, floats are shown with 5 significant digits."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, CutText):
        return Markup(f'<span title="{escape(value.whole)}">{escape(value)}</span>')
    if isinstance(value, float):
        return Markup(f"{value:.5g}")
    return Markup(escape(str(value)))


def without_hints(document: str) -> str:
    """Return a document in which what is cut is no longer told whole."""
    return HINT.sub(r"\1", document)


def element(tag: str, content: object = "", css: str = "") -> Markup:
    """Return one element with escaped content and an optional class."""
    attribute = f' class="{escape(css)}"' if css else ""
    return Markup(f"<{tag}{attribute}>{text(content)}</{tag}>")


def join(parts: Iterable[object]) -> Markup:
    """Concatenate parts, escaping those that are not Markup."""
    return Markup("".join(text(part) for part in parts))


def verdict(passed: bool, yes: str, no: str) -> Markup:
    """Return the one line a reader looks for first."""
    return element("p", yes if passed else no, "verdict good" if passed else "verdict bad")

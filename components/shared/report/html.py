"""Markup: elements whose text is escaped, and pages without scripts."""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from pathlib import Path


@cache
def style() -> str:
    """Return the style of all pages."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


class Markup(str):
    """Text that is already HTML and must not be escaped again."""


def text(value: object) -> Markup:
    """Escape `value`; Markup passes unchanged, floats are shown with 5 significant digits."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, float):
        return Markup(f"{value:.5g}")
    return Markup(escape(str(value)))


def element(tag: str, content: object = "", css: str = "") -> Markup:
    """Return one element with escaped content and an optional class."""
    attribute = f' class="{escape(css)}"' if css else ""
    return Markup(f"<{tag}{attribute}>{text(content)}</{tag}>")


def join(parts: Iterable[object]) -> Markup:
    """Concatenate parts, escaping those that are not Markup."""
    return Markup("".join(text(part) for part in parts))


def _cell(tag: str, content: object, is_number: bool) -> Markup:
    return element(tag, content, "number" if is_number else "")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table; cells and headers of numbers are aligned to the right."""
    cells = [[(cell, isinstance(cell, int | float)) for cell in row] for row in rows]
    above = [any(row[place][1] for row in cells) for place in range(len(headers))]
    head = join(_cell("th", *header) for header in zip(headers, above, strict=True))
    body = join(element("tr", join(_cell("td", *cell) for cell in row)) for row in cells)
    return Markup(f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>')


def section(title: str, *content: object) -> Markup:
    """Return a titled section."""
    return join([element("h2", title), *content])


def verdict(passed: bool, yes: str, no: str) -> Markup:
    """Return the one line a reader looks for first."""
    return element("p", yes if passed else no, "verdict good" if passed else "verdict bad")


def page(title: str, *content: object, refresh_seconds: int = 0, heading: str | None = None) -> str:
    """Return the whole document.

    Args:
        title: of the page and of its first heading.
        content: what follows the heading.
        refresh_seconds: after how long a browser reads the page again; 0 for never.
        heading: the first heading where it is not the title; "" where the content has its own.
    """
    above = title if heading is None else heading
    again = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{again}'
        f"<title>{escape(title)}</title><style>{style()}</style></head>"
        f"<body>{element('h1', above) if above else ''}{join(content)}</body></html>\n"
    )

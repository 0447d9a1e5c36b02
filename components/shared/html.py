"""Self-contained HTML reports: no external load, text escaped, charts as inline SVG.

The KFP UI shows a report in a sandboxed frame, so one file carries everything.
"""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root{color-scheme:light;--ink:#1d2530;--line:#dde2e8;--soft:#f5f7f9;--a:#2f6f9f;--b:#e08a1e;
--c:#7a8793;--good:#1a7f4b;--bad:#b3261e;--warn:#9a6700}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);margin:24px auto;max-width:1100px;
padding:0 16px}
h1{font-size:22px;margin:0 0 4px}
h2{font-size:17px;margin:28px 0 8px;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;margin:8px 0;width:100%}
th,td{padding:4px 8px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{background:var(--soft);font-weight:600}
td.number{text-align:right;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.note{color:var(--c)}
svg{display:block}code{background:var(--soft);padding:0 3px}
.verdict{font-weight:600;font-size:16px}.scroll{overflow-x:auto}
"""


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


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table; number cells are aligned to the right."""
    head = join(element("th", header) for header in headers)
    body = join(
        element(
            "tr",
            join(
                element("td", cell, "number" if isinstance(cell, int | float) else "")
                for cell in row
            ),
        )
        for row in rows
    )
    return Markup(f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>')


def section(title: str, *content: object) -> Markup:
    """Return a titled section."""
    return join([element("h2", title), *content])


def verdict(passed: bool, yes: str, no: str) -> Markup:
    """Return the one line a reader looks for first."""
    return element("p", yes if passed else no, "verdict good" if passed else "verdict bad")


def page(title: str, *content: object) -> str:
    """Return the whole document."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{element('h1', title)}{join(content)}</body></html>\n"
    )

"""Self-contained HTML reports: no external load, text escaped, charts as inline SVG.

The KFP UI shows a report in a sandboxed frame, so one file carries everything.
"""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2530;--line:#dde2e8;--soft:#f5f7f9;
--a:#2f6f9f;--b:#e08a1e;--c:#6b7783;--d:#7b3fa0;--e:#00796b;--f:#a0522d;
--good:#1a7f4b;--bad:#b3261e;--warn:#9a6700}
@media(prefers-color-scheme:dark){:root{--paper:#15191f;--ink:#e3e7ec;--line:#39424d;
--soft:#222932;--a:#6aaede;--b:#f0a94a;--c:#9aa6b2;--d:#c08be0;--e:#4db6a8;--f:#d99268;
--good:#57c98a;--bad:#ff8a80;--warn:#e3b341}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);
margin:24px auto;max-width:1100px;padding:0 16px;overflow-wrap:break-word}
h1{font-size:22px;margin:0 0 4px}
h2{font-size:17px;margin:28px 0 8px;border-bottom:1px solid var(--line)}
a{color:var(--a)}
table{border-collapse:collapse;margin:8px 0;width:100%}
th,td{padding:4px 8px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{background:var(--soft);font-weight:600}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.note{color:var(--c)}
.long{overflow-wrap:anywhere;white-space:pre-wrap}td>.long{display:block;min-width:18em}
.short{white-space:nowrap}
svg{display:block;fill:var(--ink)}code,pre{background:var(--soft);padding:0 3px}
pre,.scroll{overflow-x:auto}
.verdict{font-weight:600;font-size:16px}
"""
"""Colours are named once here, for light and dark alike; figures use the names."""


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
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{element('h1', above) if above else ''}{join(content)}</body></html>\n"
    )

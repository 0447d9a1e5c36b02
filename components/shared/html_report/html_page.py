"""One page: one file with its style, its scripts and its charts' library."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from kanaria.components.shared.html_report import chart_library
from kanaria.components.shared.html_report.content import Specs, written
from kanaria.components.shared.html_report.markup import Markup, element, join, style, without_hints

MOST_BYTES = 2_000_000
"""Of a page; whoever writes one of data of any size has to stay below."""
LEAST_SECTIONS_OF_AN_INDEX = 4


class Section:
    """A titled part of a page."""

    def __init__(self, title: str, *content: object, note: str = "") -> None:
        """Take what it holds.

        Args:
            title: its heading.
            content: parts of it, in order; what is neither Content nor Markup is escaped.
            note: one sentence on how to read it.
        """
        self.title = title
        self.content = content
        self.note = note

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML."""
        note = element("p", self.note, "note") if self.note else ""
        parts = [written(part, specs) for part in self.content]
        return join([element("h2", self.title), note, *parts])


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page.

    Attributes:
        title: of the page and of its first heading.
        lead: what stands first, for instance the verdict.
        sections: in order; an index leads to them where there are several.
        refresh_seconds: after how long a browser reads the page again; 0 for never.
        has_heading: whether the title stands above the lead, which may have a heading of its own.
    """

    title: str
    lead: Sequence[object] = ()
    sections: Sequence[Section] = ()
    refresh_seconds: int = 0
    has_heading: bool = True

    def render(self) -> str:
        """Return the whole document; it loads nothing from elsewhere.

        One that would be too large does without the whole of what is cut.
        """
        document = self._document()
        return document if len(document.encode()) <= MOST_BYTES else without_hints(document)

    def _document(self) -> str:
        specs, seconds = Specs(), self.refresh_seconds
        again = f'<meta http-equiv="refresh" content="{seconds}">' if seconds else ""
        heading = element("h1", self.title) if self.has_heading else ""
        lead = join(written(part, specs) for part in self.lead)
        sections = join(
            Markup(f'<section id="s{place}">{section.markup(specs)}</section>')
            for place, section in enumerate(self.sections)
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"{again}<title>{escape(self.title)}</title><style>{style()}</style></head>"
            f"<body>{heading}{lead}{self._index()}{sections}"
            f"{_scripts(specs)}</body></html>\n"
        )

    def _index(self) -> Markup:
        if len(self.sections) < LEAST_SECTIONS_OF_AN_INDEX:
            return Markup("")
        links = (
            Markup(f'<a href="#s{place}">{escape(section.title)}</a> ')
            for place, section in enumerate(self.sections)
        )
        return Markup(f"<nav>{join(links)}</nav>")


@cache
def _script() -> str:
    return Path(__file__).with_name("page.js").read_text(encoding="utf-8")


def _scripts(specs: Specs) -> Markup:
    library = (
        f'<script type="application/json" id="specs">{specs.as_json()}</script>'
        f'<script type="text/plain" id="library">{chart_library.packed_script()}</script>'
    )
    return Markup(f"{library if len(specs) else ''}<script>{_script()}</script>")

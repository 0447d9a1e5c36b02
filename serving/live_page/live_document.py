"""The document around the sections, whole without a network and readable without scripts. Pure."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kanaria.components.shared.html_report.markup import Markup, element, style

TITLE = "Kanaria, live"
AGAIN_SECONDS = 5
"""After which a browser without scripts reads the page again."""


@cache
def script() -> str:
    """Return the page's script."""
    return Path(__file__).with_name("live.js").read_text(encoding="utf-8")


@cache
def _own_style() -> str:
    return Path(__file__).with_name("live.css").read_text(encoding="utf-8")


def document(sections: Mapping[str, Markup]) -> str:
    """Return the page; its script is `script`, at live.js."""
    parts = "".join(f'<section id="{name}">{one}</section>' for name, one in sections.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<noscript><meta http-equiv="refresh" content="{AGAIN_SECONDS}"></noscript>'
        f'<link rel="icon" href="data:,">{element("title", TITLE)}'
        f"<style>{style()}{_own_style()}</style></head>"
        f'<body>{element("h1", TITLE)}<p id="age" class="note"></p>{parts}'
        '<script src="live.js"></script></body></html>\n'
    )

"""A model card as a page for a browser. Pure."""

from typing import Literal

from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.markup import Markup, element
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.serving.model_card.card import Card
from kanaria.serving.model_card.card_sections import NO_NUMBER, Part, number, sections

PAIR = 2
"""Columns of a table of names and values, which a narrow page stacks."""
MOST_LETTERS = 40
"""Of a text that is never broken within a word."""


def render(card: Card) -> str:
    """Return the whole document; it loads nothing from elsewhere."""
    parts = [Section(section.title, *map(_part, section.parts)) for section in sections(card)]
    lead = element("p", card.verdict or card.record.outcome, "verdict good")
    return Page(title=card.title, lead=[lead], sections=parts).render()


def _part(part: Part) -> Markup | Table:
    if isinstance(part, str):
        return element("p", part, "long")
    rows = [[_cell(fact) for fact in row] for row in part.rows]
    narrow: Literal["scroll", "stack"] = "stack" if len(part.headers) == PAIR else "scroll"
    return Table(columns=columns(*part.headers), rows=rows, narrow=narrow)


def _cell(fact: str) -> object:
    """Return what a cell shows: a number, no value, or a text, which is broken where it is long."""
    if fact == NO_NUMBER:
        return None
    value = _value(fact)
    if value is not None and number(value) == fact:
        return value
    return element("span", fact, "long") if len(fact) > MOST_LETTERS else fact


def _value(fact: str) -> float | None:
    try:
        return float(fact)
    except ValueError:
        return None

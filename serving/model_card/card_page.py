"""A model card as a page for a browser. Pure."""

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.markup import Markup, element, text
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.serving.model_card.card import Card
from kanaria.serving.model_card.card_sections import Facts, Part, sections


def render(card: Card) -> str:
    """Return the whole document; it loads nothing from elsewhere."""
    parts = [Section(section.title, *map(_part, section.parts)) for section in sections(card)]
    lead = element("p", card.verdict or card.record.outcome, "verdict good")
    return Page(title=card.title, lead=[lead], sections=parts).render()


def _part(part: Part) -> Markup | Table:
    if isinstance(part, str):
        return element("p", part, "long")
    return Table(columns=columns(*part.headers), rows=_rows(part), narrow="stack")


def _rows(facts: Facts) -> list[list[Cell]]:
    """Return the rows; numbers are sorted as numbers and shown with all their digits."""
    return [[_cell(each) for each in row] for row in facts.rows]


def _cell(fact: str) -> Cell:
    value = _value(fact)
    css = "number" if isinstance(value, float) else ""
    return Cell(content=_shown(fact), value=value, css=css)


def _shown(cell: str) -> Markup:
    return Markup(f'<span class="long">{text(cell)}</span>')


def _value(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell

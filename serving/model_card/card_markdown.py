"""A model card as Markdown, as the Hub of Hugging Face takes a README.md. Pure."""

from collections.abc import Iterator

from kanaria.components.shared.html_report.markdown_text import table, text
from kanaria.serving.model_card import front_matter
from kanaria.serving.model_card.card import Card
from kanaria.serving.model_card.card_sections import Part, sections


def render(card: Card) -> str:
    """Return the whole document: metadata, and a section after the other."""
    lines = [front_matter.render(card), f"# {text(card.title)}", ""]
    for section in sections(card):
        lines += [f"## {section.title}", ""]
        for part in section.parts:
            lines += _part(part)
    return "\n".join(lines)


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, str):
        yield text(part, longest=len(part))
        yield ""
        return
    rows = [[text(cell) for cell in row] for row in part.rows]
    yield from table([text(header) for header in part.headers], rows)

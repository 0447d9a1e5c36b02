"""Cells of tables: what they show, what they are sorted by, and how numbers are written."""

from dataclasses import dataclass
from html import escape

from kanaria.components.shared.html_report.content import Specs, written
from kanaria.components.shared.html_report.markup import CutText, Markup

NOTHING = "–"
"""Stands where there is no value; such rows are sorted last."""
MOST_LABEL = 40
MOST_DIGITS = 1e15
"""Whole numbers below it are written with all their digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Content with a value of its own to sort by, or with classes.

    Attributes:
        content: what is shown.
        value: what the column is sorted by; None for the text that is shown.
        css: classes, for instance "bad".
    """

    content: object
    value: float | str | None = None
    css: str = ""


def value_of(content: object) -> object:
    """Return what a cell is sorted by."""
    if not isinstance(content, Cell):
        return content
    return content.content if content.value is None else content.value


def is_number(value: object) -> bool:
    """Tell whether it is a number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_aligned(content: object) -> bool:
    """Tell whether a cell is written as a number, to the right: a number, or one of that class."""
    if isinstance(content, Cell) and content.value is not None:
        return "number" in content.css.split()
    return is_number(value_of(content))


def cut(value: str, most: int = MOST_LABEL) -> str:
    """Return a text, or its beginning where it is longer than `most` characters.

    A page tells the rest where a reader points at what is cut.
    """
    return value if len(value) <= most else CutText(value, most)


def number(value: float) -> str:
    """Return a number with 5 significant digits, and all those before its point."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < MOST_DIGITS):
        return str(int(value))
    return f"{value:.0f}" if 1e5 <= abs(value) < MOST_DIGITS else f"{value:.5g}"


def _shown(content: object, specs: Specs) -> Markup:
    if content is None:
        return Markup(NOTHING)
    if is_number(content):
        return Markup(number(content))  # type: ignore[arg-type]
    return written(content, specs)


def _classes(content: object, aligned: bool) -> str:
    """Return the classes of a cell; numbers among texts stand where the texts do."""
    names = content.css.split() if isinstance(content, Cell) else []
    others = [name for name in names if name != "number"]
    return " ".join([*others, "number"] if aligned else others)


def _attributes(content: object, shown: str, span: int) -> str:
    """Return the attributes of a cell: the exact value where the text shown is not all of it."""
    value = value_of(content)
    own = isinstance(content, Cell) and content.value is not None
    covers = f' rowspan="{span}"' if span > 1 else ""
    differs = own or (is_number(value) and float(shown) != value)
    return f'{covers} data-value="{escape(str(value))}"' if differs else covers


def cell(
    content: object, specs: Specs, *, span: int = 1, aligned: bool = False, bare: bool = False
) -> Markup:
    """Return a cell of a table.

    Args:
        content: Cell, number, None for no value, or what `written` takes.
        specs: those of the page.
        span: how many rows it covers.
        aligned: whether it stands in a column of numbers.
        bare: whether it tells nothing of its looks.
    """
    inner = content.content if isinstance(content, Cell) else content
    shown = _shown(str(inner) if bare and isinstance(inner, CutText) else inner, specs)
    css = "" if bare else _classes(content, aligned)
    classes = f' class="{escape(css)}"' if css else ""
    return Markup(f"<td{classes}{_attributes(content, shown, span)}>{shown}</td>")

"""Tables that a reader sorts, searches and filters, and reads as they are without scripts."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from html import escape
from typing import Literal, TypeAlias

from kanaria.components.shared.html_report.cells import cell, is_aligned, is_number, value_of
from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.markup import Markup, element, join, text

Placed: TypeAlias = tuple[int, object, int]


class Numbers(Enum):
    """What a column's values are; scripts sort and draw numbers as such, however they are shown."""

    NONE = auto()
    """Texts, at least some."""
    BEHIND = auto()
    """Numbers, which the cells show in words: a time, "3 of 5"."""
    ALIGNED = auto()
    """Numbers, shown as such."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Rows that stay together, for instance one feature in several data sets.

    Attributes:
        tall: place of a column -> content over all rows of the group.
        rows: for each row the contents of all other columns; the group is sorted by the first.
    """

    tall: Mapping[int, object]
    rows: Sequence[Sequence[object]]

    def cells(self) -> Iterator[list[Placed]]:
        """Yield the cells of each row: place of the column, content, rows that it covers."""
        for number, row in enumerate(self.rows):
            free = (place for place in itertools.count() if place not in self.tall)
            cells = [(place, content, 1) for place, content in zip(free, row, strict=False)]
            if number == 0:
                cells += [(place, content, len(self.rows)) for place, content in self.tall.items()]
            yield sorted(cells, key=lambda cell: cell[0])


Row: TypeAlias = Sequence[object] | Group


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: its header.
        key: the field of a chart's data that it is; "" where no chart reads it.
        help: what is told where a reader points at the header.
        choices: whether the reader can choose the rows with one of its values.
    """

    title: str
    key: str = ""
    help: str = ""
    choices: bool = False


def columns(*titles: str) -> tuple[Column, ...]:
    """Return plain columns with these titles."""
    return tuple(Column(title=title) for title in titles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table; numbers are aligned to the right, and every column can be sorted by.

    Attributes:
        columns: in order, at least one.
        rows: contents, as many as columns each, in the order they first have: text, numbers, None
            for no value, Cell, Markup, Chart; or groups of rows.
        search: what a search box over the rows asks for; "" for no box.
        most: most rows that are written; a note counts the rest.
        rest: what that note says after the count.
        narrow: what a narrow page does: "scroll" it aside; "pin" the first column, whose cells have
            the class "name", and scroll the others; or "stack" the cells of a row, those of the
            class "text" below each other.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    search: str = ""
    most: int = 2000
    rest: str = "more rows are left out."
    narrow: Literal["scroll", "pin", "stack"] = "scroll"

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML."""
        numbers = self._numbers()
        bodies = [
            Markup(f"<tbody>{self._lines(row, specs, numbers)}</tbody>")
            for row in self.rows[: self.most]
        ]
        left_out = len(self.rows) - len(bodies)
        note = f'<p class="note">{left_out} {text(self.rest)}</p>' if left_out else ""
        asks = f' data-search="{escape(self.search)}"' if self.search else ""
        return Markup(
            f'<div class="table {self.narrow}"{asks}><div class="scroll" tabindex="0"><table>'
            f"{self._head(numbers)}{join(bodies)}</table></div>{note}</div>"
        )

    def bare(self, specs: Specs) -> Markup:
        """Return it as HTML without what it is worked with: the numbers of a chart."""
        numbers = self._numbers()
        lines = join(self._lines(row, specs, numbers, bare=True) for row in self.rows)
        return Markup(f"<table>{self._head(numbers)}<tbody>{lines}</tbody></table>")

    def _head(self, numbers: Sequence[Numbers]) -> Markup:
        headers = zip(self.columns, numbers, strict=True)
        cells = join(_header(column, kind) for column, kind in headers)
        return Markup(f"<thead><tr>{cells}</tr></thead>")

    def _lines(
        self, row: Row, specs: Specs, numbers: Sequence[Numbers], *, bare: bool = False
    ) -> Markup:
        return join(
            element(
                "tr",
                join(
                    cell(
                        content,
                        specs,
                        span=span,
                        aligned=numbers[place] is Numbers.ALIGNED,
                        bare=bare,
                    )
                    for place, content, span in cells
                ),
            )
            for cells in _placed(row)
        )

    def _numbers(self) -> list[Numbers]:
        """Return what each column's cells are, but for those without a value."""
        cells: list[list[object]] = [[] for _ in self.columns]
        for place, content, _ in itertools.chain.from_iterable(
            cells for row in self.rows for cells in _placed(row)
        ):
            if value_of(content) is not None:
                cells[place].append(content)
        return [_numbers_of(column) for column in cells]


def _numbers_of(contents: Sequence[object]) -> Numbers:
    if not all(is_number(value_of(content)) for content in contents) or not contents:
        return Numbers.NONE
    return Numbers.ALIGNED if all(map(is_aligned, contents)) else Numbers.BEHIND


def _placed(row: Row) -> Iterator[list[Placed]]:
    if isinstance(row, Group):
        yield from row.cells()
    else:
        yield [(place, content, 1) for place, content in enumerate(row)]


def _header(column: Column, numbers: Numbers) -> Markup:
    attributes = {Numbers.ALIGNED: ' class="number"', Numbers.BEHIND: " data-number"}.get(
        numbers, ""
    )
    for name, value in (("data-key", column.key), ("title", column.help)):
        attributes += f' {name}="{escape(value)}"' if value else ""
    attributes += " data-choices" if column.choices else ""
    return Markup(f"<th{attributes}>{text(column.title)}</th>")

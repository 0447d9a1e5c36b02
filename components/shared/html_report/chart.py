"""A chart: a Vega-Lite specification without data, and the table of the numbers that it draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.markup import Markup, element
from kanaria.components.shared.html_report.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A chart that scripts draw when it comes into view; without them its table is at hand.

    The page's script reads the data from the table, so a chart and its numbers cannot differ.
    Colours follow the page's: name none in the specification, and light and dark are right. It can
    be enlarged, and is then zoomed by the wheel where `usermeta` says so.

    Attributes:
        spec: Vega-Lite without `data`; its fields are the keys of the table's columns. Text of
            data belongs into the table, into a `datum` or a `domain`; never into an expression.
            `usermeta` may hold `log`, a list of "x" and "y" that a log scale can be chosen for;
            `constant`, below which that scale is linear (1; 0 for nowhere, where all values are
            above 0), or one for each of them; `zoom`, whether both axes are
            continuous; `names`, what the page's first colours stand for, where it has no legend.
        table: the numbers.
        title: "" for none.
        small: whether it stands in a cell of a table: without labels until it is enlarged.
    """

    spec: Mapping[str, Any]
    table: Table
    title: str = ""
    small: bool = False

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML."""
        caption = element("figcaption", self.title) if self.title else ""
        css = "chart small" if self.small else "chart"
        return Markup(
            f'<figure class="{css}" data-spec="{specs.place(self.spec)}">{caption}<details>'
            f'<summary>values</summary><div class="scroll">{self.table.bare(specs)}</div>'
            "</details></figure>"
        )

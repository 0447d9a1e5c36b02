"""Parts of a page beside each other and below each other."""

from kanaria.components.shared.html_report.content import Specs, written
from kanaria.components.shared.html_report.markup import Markup, join


class Row:
    """Parts beside each other where there is room, else below: charts, sections, stacks."""

    def __init__(self, *parts: object) -> None:
        """Take the parts, in order; what is neither Content nor Markup is escaped."""
        self.parts = parts

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML."""
        parts = join(Markup(f"<div>{written(part, specs)}</div>") for part in self.parts)
        return Markup(f'<div class="half">{parts}</div>')


class Stack:
    """Parts below each other, for a place that takes one."""

    def __init__(self, *parts: object) -> None:
        """Take the parts, in order; what is neither Content nor Markup is escaped."""
        self.parts = parts

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML."""
        return join(written(part, specs) for part in self.parts)

"""What a page is made of: anything that writes itself as markup, and the charts' specifications."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from kanaria.components.shared.html_report.markup import Markup, text


class Specs:
    """The specifications of a page's charts; equal ones are written once."""

    def __init__(self) -> None:
        """Begin without any."""
        self._places: dict[str, int] = {}

    def place(self, spec: Mapping[str, Any]) -> int:
        """Return the place of a specification among those of the page."""
        return self._places.setdefault(json.dumps(spec, allow_nan=False), len(self._places))

    def __len__(self) -> int:
        """Return how many different ones there are."""
        return len(self._places)

    def as_json(self) -> Markup:
        """Return all as a JSON list that may stand in a script element.

        HTML ends a script at the first `</script`, whatever JSON thinks of it, so no `<` is left.
        """
        return Markup(f"[{','.join(self._places)}]".replace("<", r"\u003c"))


@runtime_checkable
class Content(Protocol):
    """A part of a page."""

    def markup(self, specs: Specs) -> Markup:
        """Return it as HTML; its charts leave their specifications in `specs`."""
        ...


def written(content: object, specs: Specs) -> Markup:
    """Return a part of a page as HTML; what is neither Content nor Markup is escaped."""
    return content.markup(specs) if isinstance(content, Content) else text(content)


def size(content: object) -> int:
    """Return how many bytes a part takes in a page, without its charts' specifications."""
    return len(written(content, Specs()).encode())

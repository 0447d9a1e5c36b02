"""Formats of stored documents: each says its number, and what older programs wrote is read on.

A document is a JSON object with the key `format`. One without it was written before there were
numbers: format 0. A kind's migrations lead from 0 to the newest format, one at a time and in
order, so that whoever changes a document adds one function and nothing else.

Reading migrates in memory only; the file changes when its next version is written, whole. A
document of a newer format is refused before anything of it is used, so that of two programs
during an upgrade the older one cannot write over what the newer one knows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.errors import DataError, shown

KEY = "format"
Document = dict[str, Any]
Migration = Callable[[Document], Document]
"""Makes of a document of one format that of the next; both without their numbers. Pure."""


class NewerFormatError(DataError):
    """A newer Kanaria wrote the document; this one must leave it as it is."""


def unchanged(document: Document) -> Document:
    """Return the document: the format that follows only has a number."""
    return document


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """One kind of stored document.

    Attributes:
        migrations: entry n makes of a document of format n one of format n + 1.
    """

    migrations: Sequence[Migration] = (unchanged,)

    @property
    def newest(self) -> int:
        """The format that is written."""
        return len(self.migrations)

    def numbered(self, document: Mapping[str, Any]) -> Document:
        """Return the document as it is to be written, with its format first."""
        return {KEY: self.newest, **document}

    def current(self, document: Any, where: str) -> Document:
        """Return what is stored in the newest format, without its number.

        Args:
            document: as read from JSON; it is not changed.
            where: its path or name, for messages.

        Raises:
            NewerFormatError: a newer Kanaria wrote it.
            DataError: it is no JSON object, or its format no number.
        """
        if not isinstance(document, dict):
            raise DataError(f"{where}: {shown(document)}: no JSON object; restore it")
        content = {key: value for key, value in document.items() if key != KEY}
        for migrate in self.migrations[self.number(document, where) :]:
            content = migrate(content)
        return content

    def number(self, document: Mapping[str, Any], where: str) -> int:
        """Return the format of a stored document that this program can read.

        Raises:
            NewerFormatError: a newer Kanaria wrote it.
            DataError: its format is no number.
        """
        number = document.get(KEY, 0)
        if type(number) is not int or number < 0:
            raise DataError(f"{where}: {KEY}={shown(number)}: no number of a format; restore it")
        if number > self.newest:
            raise NewerFormatError(
                f"{where}: written by a newer Kanaria: format {number}, this one knows "
                f"{self.newest}; upgrade"
            )
        return number

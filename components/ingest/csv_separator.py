"""What separates the values of a CSV file."""

from itertools import islice

from kanaria.components.ingest.csv_text import Record, records
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.parameters import Faults

COMMA = ","
USUAL = (COMMA, ";", "\t", "|")
SPELLED = {r"\t": "\t", "tab": "\t"}
SAMPLE = 20
"""Records that are looked at to tell another separator."""


def parse(text: str, faults: Faults) -> str:
    """Return the separator that a user names; a fault is added to `faults`."""
    separator = SPELLED.get(text, text)
    is_one = len(separator) == 1 and separator.isascii()
    fits = is_one and (separator.isprintable() or separator == "\t") and separator not in ' "'
    remedy = r"give one character, such as ; or |, or \t for a tab"
    faults.check(fits, "separator", text, remedy)
    return separator


def _separates(data: bytes, separator: str) -> bool:
    """Tell whether each of the first records falls into several values."""
    first = islice(records(data, separator), SAMPLE)
    return all(len(record.values) > 1 for record in first)


def check(uri: str, data: bytes, header: Record, separator: str) -> None:
    """Raise DataError if a file has one column only because another separator stands in it.

    Args:
        uri: what messages name.
        data: the whole file.
        header: its first record.
        separator: what separated the values of `header`.
    """
    if data.startswith(b"sep="):
        raise DataError(
            f"{uri}:1: the first line is Excel's own; remove it, and give ingest_data the separator"
        )
    if len(header.values) > 1:
        return
    others = [other for other in USUAL if other != separator and _separates(data, other)]
    if others:
        raise DataError(
            f"{uri}:{header.line}: one column, {shown(header.values[0])}, but {shown(others[0])} "
            f"separates every line; give ingest_data separator={shown(others[0])}"
        )

"""What separates the values of a CSV file."""

from itertools import islice
from pathlib import Path

from kanaria.components.ingest.csv_text import Record, records
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

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


def _separates(path: Path, separator: str) -> bool:
    """Tell whether each of the first records falls into several values."""
    first = islice(records(path, separator), SAMPLE)
    return all(len(record.values) > 1 for record in first)


def check(file: DataFile, header: Record, separator: str) -> None:
    """Raise DataError if a file has one column only because another separator stands in it.

    Args:
        file: the file.
        header: its first record.
        separator: what separated the values of `header`.
    """
    if header.values[0].startswith("sep=") and header.line == 1:
        raise DataError(
            f"{file.uri}:1: the first line is Excel's own; remove it, and give ingest_data the "
            "separator"
        )
    if len(header.values) > 1:
        return
    others = [other for other in USUAL if other != separator and _separates(file.path, other)]
    if others:
        raise DataError(
            f"{file.uri}:{header.line}: one column, {shown(header.values[0])}, but "
            f"{shown(others[0])} separates every line; give ingest_data "
            f"separator={shown(others[0])}"
        )

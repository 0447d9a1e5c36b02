"""Folders named `key=value`, as Hive and Spark name those of a partitioned table. Pure.

Only the folders right above a file count, up to the first one without a `=`: those further up
were not made by who wrote the table. Source: `PartitioningUtils` of Spark.
"""

from itertools import takewhile
from urllib.parse import unquote

MISSING = ("__HIVE_DEFAULT_PARTITION__", "")
"""Values that stand for none."""


def _folders(uri: str) -> list[str]:
    above = uri.split("/")[-2::-1]
    return list(takewhile(lambda part: part.partition("=")[0] and "=" in part, above))[::-1]


def name(uri: str) -> str:
    """Return a file's name with the `key=value` folders above it, which are part of its content.

    Args:
        uri: from the root, or of a store.
    """
    return "/".join([*_folders(uri), uri.rpartition("/")[2]])


def _decoded(text: str) -> str:
    return unquote(text, errors="strict")


def values(uri: str) -> list[tuple[str, str | None]]:
    """Return the keys and values of the folders above a file, the outermost first.

    Args:
        uri: from the root, or of a store; `%20` and the like stand for what a path cannot hold.

    Raises:
        UnicodeDecodeError: what is written in percent is not UTF-8.
    """
    pairs = [folder.partition("=") for folder in _folders(uri)]
    decoded = [(_decoded(key), _decoded(value)) for key, _, value in pairs]
    return [(key, None if value in MISSING else value) for key, value in decoded]

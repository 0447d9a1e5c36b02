"""How data is read and split, as one mapping. Pure.

A pipeline cannot pick from a mapping, so resolve_span hands each entry on to ingest_data, which
judges the values; defaults are filled in, so that leaving one out and writing it are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults

WHERE = "reading"
READING = (
    Key(
        name="query",
        kind=Kind.TEXT,
        meaning="SELECT ...: what a database is asked for the rows; empty for files.",
        default="",
    ),
    Key(
        name="column_types",
        kind=Kind.MAPPING,
        meaning="{zip: string}: string, int64, float64 or timestamp, for columns whose type would "
        "be found wrong.",
        default={},
        entries=Kind.TEXT,
    ),
    Key(
        name="separator",
        kind=Kind.TEXT,
        meaning="the character between the values of CSV files, such as ; or tab.",
        default=",",
    ),
    Key(
        name="splits",
        kind=Kind.TEXT,
        meaning="train=2,eval=1: names and weights of the splits; train and eval are needed.",
        default="train=2,eval=1",
    ),
    Key(
        name="key_column",
        kind=Kind.TEXT,
        meaning="customer: rows with one value of this column stay in one split; empty hashes "
        "whole rows.",
        default="",
    ),
    Key(
        name="time_column",
        kind=Kind.TEXT,
        meaning="day: the splits are consecutive shares of time by this column; or empty.",
        default="",
    ),
    Key(
        name="examples_format",
        kind=Kind.TEXT,
        meaning="parquet, or tfrecord for user code that opens TFRecord files itself.",
        default="parquet",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How data is read and split; see READING."""

    query: str
    column_types: Mapping[str, str]
    separator: str
    splits: str
    key_column: str
    time_column: str
    examples_format: str


def parse(mapping: Any, faults: Faults) -> Reading:
    """Return what a mapping asks for; {} for the defaults. Every fault is added to `faults`."""
    return Reading(**keys.read(mapping, READING, WHERE, faults))


def checked(mapping: Any) -> Reading:
    """Return what a mapping asks for.

    Raises:
        ParameterError: something in it is wrong; all faults are named.
    """
    faults = Faults("resolve_span")
    reading = parse(mapping, faults)
    faults.raise_if_any()
    return reading

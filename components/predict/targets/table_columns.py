"""Whether a table of PostgreSQL takes the columns of a job. Pure.

COPY in its binary form takes a value's bytes for what the table's column is: a bigint that comes
to a column of double precision is stored as another number, and nobody says so. So types must be
equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from kanaria.components.shared.errors import DataError, shown

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL; it cuts longer ones."""
TEXTS = ("text", "character varying")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumn:
    """A column of a table.

    Attributes:
        name: of the column.
        type: as PostgreSQL writes it, for instance "double precision[]".
        needed: whether a row without it is refused.
        generated: whether PostgreSQL computes it, so that nobody may write it.
    """

    name: str
    type: str
    needed: bool
    generated: bool


def type_of(name: str, column: pa.DataType) -> str:
    """Return PostgreSQL's type of an Arrow column.

    Raises:
        DataError: there is none.
    """
    if pa.types.is_list(column) or pa.types.is_large_list(column):
        return f"{type_of(name, column.value_type)}[]"
    types = (
        (pa.types.is_int64, "bigint"),
        (pa.types.is_float32, "real"),
        (pa.types.is_float64, "double precision"),
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_string, "text"),
        (pa.types.is_binary, "bytea"),
        (pa.types.is_timestamp, "timestamp with time zone"),
    )
    for is_one, text in types:
        if is_one(column):
            return text
    raise DataError(f"column {shown(name)}: {column} has no type in PostgreSQL; leave it out")


def names_faults(schema: pa.Schema) -> list[str]:
    """Return the names of columns that PostgreSQL would cut or refuse."""
    return [
        f"column {shown(name)}: a name in PostgreSQL has at most {LONGEST_NAME} bytes"
        for name in schema.names
        if len(name.encode()) > LONGEST_NAME
    ]


def faults(schema: pa.Schema, columns: Sequence[TableColumn]) -> list[str]:
    """Return what keeps a table from taking rows of a schema.

    Args:
        schema: of the rows.
        columns: of the table.
    """
    there = {column.name: column for column in columns}
    texts = []
    for field in schema:
        wanted = type_of(field.name, field.type)
        column = there.get(field.name)
        if column is None:
            texts.append(f"column {shown(field.name)} ({wanted}) is missing; add it")
        elif not _takes(column.type, wanted):
            texts.append(f"column {shown(field.name)} is {column.type}, the rows hold {wanted}")
        elif column.generated:
            texts.append(f"column {shown(field.name)} is generated, rows bring their own value")
    rest = [one for one in columns if one.needed and one.name not in schema.names]
    return texts + [
        f"column {shown(one.name)} must have a value, and rows have none" for one in rest
    ]


def _takes(there: str, wanted: str) -> bool:
    return there == wanted or (wanted == "text" and there in TEXTS)


def create_statement(table: str, schema: pa.Schema) -> str:
    """Return the SQL that makes a table for rows of a schema.

    Args:
        table: quoted.
        schema: of the rows.
    """
    columns = (f"{quoted(one.name)} {type_of(one.name, one.type)}" for one in schema)
    return f"CREATE TABLE {table} ({', '.join(columns)})"


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'

"""Whether the columns of the data are what a signature takes, before any row is scored. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.record_batches import value_type
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.tensors.signature_arrays import KINDS


def _type_name(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind == "O" else dtype.name


def _kind(name: str, column: pa.DataType) -> str:
    """Return the kind of a column's values as numpy calls it, "" where it has none."""
    value = value_type(name, column)
    if pa.types.is_null(value):
        return ""
    if pa.types.is_integer(value):
        return "i"
    return "f" if pa.types.is_floating(value) else "O"


def check(
    inputs: Mapping[str, Input], optional: Collection[str], schema: pa.Schema, faults: Faults
) -> tuple[str, ...]:
    """Add every input that is no column, or a column of another kind; return what is noteworthy.

    Args:
        inputs: of the signature, by name.
        optional: those whose values may be missing.
        schema: of the data.
        faults: what is wrong is added here.
    """
    notes = []
    for name, wanted in inputs.items():
        takes = _type_name(wanted.dtype)
        if name not in schema.names:
            text = f"input {shown(name)} ({takes}) is no column of the data"
            if name in optional:
                notes.append(f"{text}: every row lacks it, as the model allows")
            else:
                faults.add(f"{text}, which has {shown(schema.names)}")
            continue
        column = schema.field(name).type
        try:
            kind = _kind(name, column)
        except DataError as error:
            faults.add(str(error))
            continue
        if kind and kind not in KINDS.get(wanted.dtype.kind, ""):
            faults.add(
                f"input {shown(name)} takes {takes}, the column is {column}; say its type in "
                "column_types, or mend the data"
            )
    return tuple(notes)

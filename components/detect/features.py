"""Which columns of the examples a served request has, and which of them are categories."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.drift.detector import Columns
from kanaria.serving.drift.table_columns import categories, is_numeric

SERVING = "SERVING"
"""Environment out of which a schema keeps what no request holds, as TFX's examples name it."""
MOST_CATEGORIES = 1_000
"""Text with more distinct values is an identifier or prose, which has no shares to compare."""


def served(
    present: Sequence[str],
    named: Sequence[str],
    schema: schema_pb2.Schema,
    samples: Path | None,
) -> list[str]:
    """Return the features to compare, in the order of the examples.

    These are the ones asked for; else the inputs of the model's signature; else, where that takes
    serialized examples or is not given, all that the schema does not keep out of SERVING.

    Args:
        present: columns of the examples.
        named: names, or none.
        schema: of the examples.
        samples: artifact of train_model that tells the signature, or None.

    Raises:
        ParameterError: asked for are features that the examples lack.
        DataError: the samples cannot be read.
    """
    unknown = sorted(set(named) - set(present))
    if unknown:
        raise ParameterError(
            f"features={shown(unknown)}: not in the examples, which have {shown(list(present))}"
        )
    inputs = serving_samples.read(samples).inputs if samples else ()
    wanted = set(named) or set(inputs) & set(present) or set(present) - _kept_out(schema)
    return [name for name in present if name in wanted]


def matrix_columns(samples: Path | None) -> list[str]:
    """Return what the columns of a request's one matrix are, in their order; [] without one."""
    if samples is None:
        return []
    read = serving_samples.read(samples)
    return list(read.inputs) if read.matrix else []


def _kept_out(schema: schema_pb2.Schema) -> set[str]:
    return {feature.name for feature in schema.feature if SERVING in feature.not_in_environment}


def categorical(schema: schema_pb2.Schema, columns: Columns) -> tuple[str, ...]:
    """Return the features of numbers that the schema calls categorical."""
    declared = {
        feature.name
        for feature in schema.feature
        if feature.int_domain.is_categorical or feature.HasField("bool_domain")
    }
    return tuple(
        name for name, column in columns.items() if name in declared and is_numeric(column)
    )


def comparable(columns: Columns) -> tuple[Columns, dict[str, str]]:
    """Return the columns with values to compare, and why each other one is left out."""
    reasons = {name: _fault(column) for name, column in columns.items()}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    return {name: c for name, c in columns.items() if name not in left_out}, left_out


def _fault(column: NDArray[Any]) -> str:
    values = categories(column)
    if not len(values):
        return "no values"
    distinct = len(np.unique(values)) if not is_numeric(column) else 0
    return f"{distinct} different texts" if distinct > MOST_CATEGORIES else ""


def several(names: Iterable[str]) -> dict[str, str]:
    """Return why features with more than one value in a row are left out."""
    return dict.fromkeys(names, "several values in a row")

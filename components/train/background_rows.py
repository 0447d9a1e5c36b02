"""Training rows as the model's requests hold them, which explanations of answers compare with."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.components.shared.artifacts.serving_samples import Row, ServingSamples, as_json
from kanaria.components.shared.data.row_sample import sampled
from kanaria.components.shared.tensors import signature_arrays

ROWS = 100
"""As many as SHAP's own maskers take."""


def drawn(
    samples: ServingSamples, optional: Collection[str] | None, files: Sequence[Path]
) -> tuple[Row, ...]:
    """Return training rows drawn at random, always the same; none for serialized tf.Examples.

    A row that lacks a value the model requires could be no request, and is left out.

    Args:
        samples: of the model, for the inputs of its signature.
        optional: inputs that may be missing; None where the model does not say, so requires all.
        files: raw files of the training split.
    """
    if not samples.inputs.keys() <= samples.features.keys():
        return ()
    batch = sampled(files, ROWS)
    if batch is None:
        return ()
    inputs = {
        name: Input(
            dtype=np.dtype(object if tensor.dtype == "string" else tensor.dtype),
            shape=tensor.shape,
            required=False,
        )
        for name, tensor in samples.inputs.items()
    }
    rows: dict[int, Row] = {}
    required = [name for name in inputs if name not in (optional or ())]
    for feed in signature_arrays.feeds(_whole(batch, required), inputs):
        values = {name: as_json(array.tolist()) for name, array in feed.arrays.items()}
        for place, row in enumerate(feed.rows):
            rows[int(row)] = {name: column[place] for name, column in values.items()}
    return tuple(rows[row] for row in sorted(rows))


def _whole(batch: pa.RecordBatch, required: Sequence[str]) -> pa.RecordBatch:
    """Return the rows that have values of all these columns, NaN being none."""
    has = np.ones(batch.num_rows, bool)
    for name in required:
        column = batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows)
        has &= [_has(values) for values in column.to_pylist()]
    return batch.filter(pa.array(has))


def _has(values: Sequence[Any] | None) -> bool:
    """Tell whether a row has a value, and no NaN."""
    return bool(values) and not any(
        isinstance(value, float) and math.isnan(value) for value in values or ()
    )

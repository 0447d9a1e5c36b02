"""The evaluated rows: labels, predictions of every model, slice columns; checked as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.evaluate.models import LoadedModel, Outputs
from kanaria.components.evaluate.private_tfma import RecordBatchToExamplesEncoder
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.record_batches import record_batches

BATCH_ROWS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """N evaluated rows.

    Attributes:
        table: N rows of the needed columns, each a list column as TFX libraries read it; never
            without a column, as a table without columns has no rows.
        predictions: model name -> output name -> shape (N, ...).
        derived: model name -> name -> shape (N, ...), what preprocessing signatures gave.
    """

    table: pa.Table
    predictions: dict[str, Outputs]
    derived: dict[str, Outputs]

    def __len__(self) -> int:
        """Return N."""
        return int(self.table.num_rows)

    def prediction(self, model: str) -> Any:
        """Return the only output of a model, or all of them by name, as TFMA does."""
        outputs = self.predictions[model]
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def missing(self, model: str, column: str) -> NDArray[Any]:
        """Return which rows have no value in a column, shape (N,), booleans."""
        if column in self.derived.get(model, {}):
            values = self.derived[model][column].reshape(len(self), -1)
            bad = values != values if values.dtype.kind == "f" else np.zeros(values.shape, bool)
            return np.asarray(bad.any(axis=1))
        rows = self.table.column(column).to_pylist()
        return np.array([_empty(row) for row in rows], dtype=bool)

    def scalars(self, model: str, column: str) -> NDArray[Any] | None:
        """Return a column as float64 of shape (N,), missing as NaN; None when it is no scalar.

        What the model derives hides a column of the same name, as in TFMA.
        """
        if column in self.derived.get(model, {}):
            values = self.derived[model][column]
            numeric = values.dtype.kind in "biuf" and values.size == len(self)
            return values.reshape(-1).astype(np.float64) if numeric else None
        found = self.table.column(column).combine_chunks()
        if pa.types.is_null(found.type):
            return np.full(len(self), np.nan)
        if not (pa.types.is_integer(found.type.value_type) or _is_float(found.type.value_type)):
            return None
        lists = found.to_pylist()
        if any(row is not None and len(row) > 1 for row in lists):
            return None
        return np.array([row[0] if row else np.nan for row in lists], dtype=np.float64)


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind))


def _empty(values: Any) -> bool:
    """Tell whether one row of a list column has no value, or NaN among them."""
    return not values or any(value != value for value in values)


def _chosen(batch: pa.RecordBatch, columns: set[str]) -> pa.RecordBatch:
    names = [name for name in batch.schema.names if name in columns]
    return pa.RecordBatch.from_arrays(
        [batch.column(batch.schema.names.index(n)) for n in names], names
    )


def _kept(batch: pa.RecordBatch, columns: set[str]) -> pa.RecordBatch:
    """Return the columns to keep; the first one when none of the batch's own is needed.

    Labels and slices may all come from preprocessing signatures, and an Arrow table without
    columns forgets how many rows it has.
    """
    return _chosen(batch, columns & set(batch.schema.names) or {batch.schema.names[0]})


def _typed(schema: pa.Schema) -> set[str]:
    """Return the columns that have a type; the encoder refuses those of nulls alone."""
    return {field.name for field in schema if not pa.types.is_null(field.type)}


def _joined(parts: Sequence[Outputs]) -> Outputs:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read(
    files: Sequence[Path],
    models: Sequence[LoadedModel],
    columns: set[str],
) -> Rows:
    """Read the rows of a split and run every model on them.

    Args:
        files: files of the split.
        models: the models to run; each sees the same rows in the same order.
        columns: names of the columns to keep.

    Raises:
        DataError: there are no rows, a model refuses them or predicts NaN or infinity.
    """
    encoder = RecordBatchToExamplesEncoder()
    kept: list[pa.RecordBatch] = []
    predicted: dict[str, list[Outputs]] = {model.name: [] for model in models}
    derived: dict[str, list[Outputs]] = {model.name: [] for model in models if model.preprocess}
    for batch in record_batches(files, BATCH_ROWS):
        if not batch.num_rows:
            continue
        serialized = encoder.encode(_chosen(batch, _typed(batch.schema)))
        first = sum(before.num_rows for before in kept)
        kept.append(_kept(batch, columns))
        for model in models:
            predicted[model.name].append(model.predict.run(batch, serialized, first))
            if model.preprocess:
                outputs = [s.run(batch, serialized, first) for s in model.preprocess]
                derived[model.name].append({k: v for part in outputs for k, v in part.items()})
    if not kept:
        raise DataError(f"{files[0].parent}: the split has no rows; evaluate on one that has")
    rows = Rows(
        table=pa.Table.from_batches(kept),
        predictions={name: _joined(parts) for name, parts in predicted.items()},
        derived={name: _joined(parts) for name, parts in derived.items()},
    )
    for model in models:
        _check_finite(rows.predictions[model.name], model)
    return rows


def _check_finite(outputs: Outputs, model: LoadedModel) -> None:
    for name, values in outputs.items():
        if values.dtype.kind != "f":
            continue
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if bad.any():
            raise DataError(
                f"{model.predict.where}: output {name!r} is not finite in {int(bad.sum())} of "
                f"{len(values)} rows, first row {int(bad.argmax())} with "
                f"{shown(values[bad.argmax()].tolist())}; mend the features or the model"
            )

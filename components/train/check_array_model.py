"""Doubts a saved model that is no SavedModel: it is asked as its server asks it, for all eval rows.

A server of scikit-learn, XGBoost or ONNX is given the features as a request has them and runs no
transform, so the model's features must be those of the raw rows, unchanged.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.shared.frameworks.array_model import ArrayModel, PredictionError
from kanaria.components.shared.frameworks.load_model import load
from kanaria.components.shared.frameworks.model_files import ModelFiles
from kanaria.components.shared.tensors import signature_arrays
from kanaria.components.shared.tensors.signature_arrays import Feed
from kanaria.components.train import answer_samples, diagnosis
from kanaria.components.train.check_model import Checked

ROWS_PER_BATCH = 1_000
NO_TRANSFORM = (
    "KServe's server of such a model runs no preprocessing_fn; set materialize: false and do it in "
    "the model (a scikit-learn Pipeline), or train on raw features"
)


def check(
    files: ModelFiles,
    schema: schema_pb2.Schema,
    eval_files: Sequence[Path],
    transformed_files: Sequence[Path],
) -> Checked:
    """Load the model, ask it for every eval row, and return what it tells.

    Args:
        files: of the model.
        schema: of the raw features.
        eval_files: raw files of the eval split.
        transformed_files: transformed ones that run_fn read, or none.

    Raises:
        UserCodeError: a feature is no raw one or was transformed, or the model fails on a row.
        DataError: it does not load, a row does not fit, or an answer is not finite.
    """
    model = load(files)
    features = {feature.name for feature in schema.feature}
    unknown = sorted(set(model.inputs) - features)
    if unknown:
        raise UserCodeError(
            f"run_fn: the model takes {shown(unknown)}, which are no raw features; {NO_TRANSFORM}"
        )
    if transformed_files:
        require_untransformed(list(model.inputs), eval_files, transformed_files)
    optional = _check_answers(model, eval_files)
    samples = answer_samples.of_arrays(model, _feeds(model, eval_files), schema)
    return Checked(signatures=(), samples=samples, optional=optional)


def _feeds(model: ArrayModel, files: Sequence[Path]) -> Iterator[Feed]:
    first = 0
    for batch in record_batches(files, ROWS_PER_BATCH):
        for feed in signature_arrays.feeds(batch, model.inputs, first):
            yield Feed(rows=feed.rows + first, arrays=feed.arrays)
        first += batch.num_rows


def _check_answers(model: ArrayModel, files: Sequence[Path]) -> frozenset[str]:
    """Ask for every row; return the inputs that some lack, without which it answers then."""
    count = bad = 0
    optional: set[str] = set()
    for feed in _feeds(model, files):
        finite = _is_finite(_answers(model, feed), len(feed.rows))
        count, bad = count + len(feed.rows), bad + int((~finite).sum())
        optional.update(name for name, values in feed.arrays.items() if _lacks_some(values))
    if not count:
        raise DataError(f"{files[0].parent}: the split has no rows to check the model on")
    if bad:
        raise DataError(
            f"model: {bad} of {count} eval rows give a non-finite output; train again without NaN "
            f"and infinity; columns that hold some: {shown(diagnosis.non_finite_columns(files))}"
        )
    return frozenset(optional)


def _lacks_some(values: Array) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


def _answers(model: ArrayModel, feed: Feed) -> dict[str, Array]:
    try:
        return model.answers(feed.arrays)
    except PredictionError as error:
        last = int(feed.rows[-1])
        raise UserCodeError(
            f"run_fn: the saved model fails on eval rows {int(feed.rows[0])} to {last}: {error}; a "
            "server gives it an array without names, so choose columns by position, and it must "
            "answer every row, also one with missing values (NaN)"
        ) from error


def _is_finite(outputs: dict[str, Array], rows: int) -> diagnosis.Flags:
    finite = np.ones(rows, bool)
    for name, values in outputs.items():
        if values.shape[:1] != (rows,):
            raise UserCodeError(
                f"run_fn: the model gives {shown(name)} of shape {list(values.shape)} for {rows} "
                "rows; give one answer a row"
            )
        if values.dtype.kind == "f":
            finite &= np.isfinite(values).reshape(rows, -1).all(axis=1)
    return finite


def require_untransformed(
    features: Sequence[str], raw: Sequence[Path], transformed: Sequence[Path]
) -> None:
    """Raise UserCodeError where a feature of the model has another value after the transform.

    Args:
        features: of the model.
        raw: files of a split.
        transformed: files of the same split, in the same order.
    """
    batches = zip(
        record_batches(raw, ROWS_PER_BATCH),
        record_batches(transformed, ROWS_PER_BATCH),
        strict=False,
    )
    for before, after in batches:
        changed = [name for name in features if not _is_same(name, before, after)]
        if changed:
            raise UserCodeError(
                f"run_fn: preprocessing_fn changes {shown(changed)}, which the model takes; "
                f"{NO_TRANSFORM}"
            )


def _is_same(name: str, before: pa.RecordBatch, after: pa.RecordBatch) -> bool:
    if name not in after.schema.names or name not in before.schema.names:
        return True  # It was not read from there.
    rows = min(before.num_rows, after.num_rows)
    return _plain(before, name)[:rows] == _plain(after, name)[:rows]


def _plain(batch: pa.RecordBatch, name: str) -> list[Any]:
    """Return a column as lists, NaN and missing alike as None."""
    values = batch.column(batch.schema.names.index(name)).to_pylist()
    return [[None if value != value else value for value in one] if one else [] for one in values]

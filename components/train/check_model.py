"""Doubts a saved model: it must load and answer every eval row with finite numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts import private_tensorflow
from kanaria.components.shared.artifacts.model_inputs import optional_inputs
from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.train import answer_samples, diagnosis
from kanaria.components.train.diagnosis import Flags
from kanaria.components.train.signature_feeds import ROWS_PER_BATCH, called, feeds

SIGNATURE = "serving_default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a sound model tells.

    Attributes:
        signatures: their sorted names.
        samples: of its answers.
        optional: inputs that may be missing; None where the model does not say.
    """

    signatures: tuple[str, ...]
    samples: ServingSamples
    optional: frozenset[str] | None


def _load(model_dir: Path) -> Any:
    private_tensorflow.register_optimizers(tf)
    try:
        loaded = tf.saved_model.load(str(model_dir))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise UserCodeError(
            f"run_fn: the saved model does not load: {exception_cause.summary(error)}"
        ) from error
    if SIGNATURE not in loaded.signatures:
        raise UserCodeError(
            f"run_fn: the model has signatures {shown(sorted(loaded.signatures))}; "
            f"save one named {shown(SIGNATURE)}"
        )
    return loaded


def _is_finite(outputs: dict[str, tf.Tensor], rows: int) -> Flags:
    """Return for each row whether every float it gave is finite, shape (rows,)."""
    finite = np.ones(rows, bool)
    for name, tensor in outputs.items():
        if tensor.shape.rank == 0 or tensor.shape[0] != rows:
            raise UserCodeError(
                f"run_fn: {SIGNATURE} gives {shown(name)} of shape {tensor.shape} for {rows} "
                "rows; give one answer a row"
            )
        if tensor.dtype.is_floating:
            finite &= np.isfinite(tensor.numpy()).reshape(rows, -1).all(axis=1)
    return finite


def _answers(model: Any, files: Sequence[Path], schema: schema_pb2.Schema) -> Flags:
    """Run `serving_default` on all rows; return whether each answer is finite, shape (rows,)."""
    signature, finite, rows = model.signatures[SIGNATURE], np.zeros(ROWS_PER_BATCH, bool), 0
    try:
        for feed in feeds(files, schema, signature, optional_inputs(model)):
            while feed.rows.max() >= finite.size:
                finite = np.concatenate([finite, np.zeros_like(finite)])
            finite[feed.rows] = _is_finite(called(signature, feed), len(feed.rows))
            rows += len(feed.rows)
    except tf.errors.OpError as error:
        raise UserCodeError(
            f"run_fn: the saved model fails on eval rows: {exception_cause.summary(error)}; "
            "it must answer every row, also one with missing features"
        ) from error
    if not rows:
        raise DataError(f"{files[0].parent}: the split has no rows to check the model on")
    return finite[:rows]


def _cause(
    signature: Any, bad: Flags, eval_files: Sequence[Path], train_files: Sequence[Path]
) -> str:
    """Say what makes the answers non-finite, as far as the data and the weights tell."""
    weights = [v for v in signature.variables if v.dtype.is_floating]
    sick = [v for v in weights if not np.isfinite(v.numpy()).all()]
    if sick:
        columns = diagnosis.non_finite_columns(train_files)
        return f"{len(sick)} of {len(weights)} weights are not finite; " + (
            f"columns with NaN or infinity in the train rows: {', '.join(columns)}; mend them"
            if columns
            else "the train rows are finite, so lower the learning rate"
        )
    columns = diagnosis.suspects(lambda: record_batches(eval_files, ROWS_PER_BATCH), bad)
    if columns:
        return (
            f"the weights are finite; columns NaN, infinite or missing there: {', '.join(columns)}"
            "; mend the data, or handle it in preprocessing_fn"
        )
    return "the weights and these rows are finite, so the model itself overflows; look at its code"


def check_model(
    model_dir: Path,
    schema: schema_pb2.Schema,
    eval_files: Sequence[Path],
    train_files: Sequence[Path],
) -> Checked:
    """Load the model, run it on every eval row, and return what it tells.

    Args:
        model_dir: folder with `saved_model.pb`.
        schema: of the raw features.
        eval_files: raw Parquet files of the eval split.
        train_files: what the model was trained on; read only to name a cause.

    Raises:
        UserCodeError: the model does not load, has no `serving_default` signature that takes
            raw features or tf.Examples, or fails on a row.
        DataError: a row does not fit an input, or an output is not finite; the message names
            the columns that are the cause.
    """
    loaded = _load(model_dir)
    signature = loaded.signatures[SIGNATURE]
    finite = _answers(loaded, eval_files, schema)
    if not finite.all():
        raise DataError(
            f"model: {int((~finite).sum())} of {finite.size} eval rows give a non-finite output; "
            + _cause(signature, ~finite, eval_files, train_files)
        )
    return Checked(
        signatures=tuple(sorted(loaded.signatures)),
        samples=answer_samples.collect(signature, eval_files, schema),
        optional=optional_inputs(loaded),
    )

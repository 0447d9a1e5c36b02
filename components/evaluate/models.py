"""SavedModels as functions from rows to predictions; the module that runs user models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, ParameterError, shown

SERVE_EXAMPLES = "serve_tf_examples"
SERVING_DEFAULT = "serving_default"

# What one signature gives for a batch: an array of n rows, or several by output name.
Outputs = dict[str, NDArray[Any]]


def version_folder(model: Path) -> Path:
    """Return the SavedModel of the highest version below `model`, or `model` itself.

    Raises:
        DataError: there is no SavedModel.
    """
    versions = [p for p in model.glob("*") if p.name.isdigit() and (p / "saved_model.pb").is_file()]
    if versions:
        return max(versions, key=lambda path: int(path.name))
    if (model / "saved_model.pb").is_file():
        return model
    raise DataError(
        f"model {shown(str(model))}: no <version>/saved_model.pb below it; give a SavedModel"
    )


def _missing_filled(name: str, column: pa.Array, spec: tf.TensorSpec) -> tf.Tensor:
    """Return one column as the dense tensor that a named input takes."""
    values: list[Any] = [row[0] if row else None for row in column.to_pylist()]
    if None in values:
        if not (spec.dtype.is_floating or spec.dtype == tf.string):
            raise DataError(
                f"column {name!r}: row {values.index(None)} has no value and the model's input "
                f"of type {spec.dtype.name} cannot say so; export signature {SERVE_EXAMPLES}"
            )
        fill: Any = b"" if spec.dtype == tf.string else float("nan")
        values = [fill if value is None else value for value in values]
    tensor = tf.constant(values, dtype=spec.dtype)
    return tf.reshape(tensor, [-1, 1]) if spec.shape.rank == 2 else tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature of a loaded model.

    Attributes:
        where: model path and signature, for messages.
        call: the concrete function; takes named tensors, returns named tensors.
        inputs: name -> `tf.TensorSpec` of its inputs.
    """

    where: str
    call: Any
    inputs: dict[str, Any]

    def takes_examples(self, columns: Sequence[str]) -> bool:
        """Tell whether its one input is serialized tf.Examples, not a column of that name."""
        specs = list(self.inputs.items())
        return len(specs) == 1 and specs[0][1].dtype == tf.string and specs[0][0] not in columns

    def output_names(self) -> set[str]:
        """Return the names of its outputs."""
        return set(self.call.structured_outputs)

    def _tensors(self, batch: pa.RecordBatch, serialized: Sequence[bytes]) -> dict[str, tf.Tensor]:
        columns = batch.schema.names
        if self.takes_examples(columns):
            return {name: tf.constant(serialized, dtype=tf.string) for name in self.inputs}
        missing = sorted(set(self.inputs) - set(columns))
        if missing:
            raise DataError(
                f"{self.where}: inputs {shown(missing)} are no columns of the examples; "
                "evaluate on examples with the columns the model was trained on"
            )
        return {
            name: _missing_filled(name, batch.column(columns.index(name)), spec)
            for name, spec in self.inputs.items()
        }

    def run(self, batch: pa.RecordBatch, serialized: Sequence[bytes]) -> Outputs:
        """Return the outputs for one batch, each of shape (rows, ...).

        Args:
            batch: n rows as lists (see `shared.record_batches`).
            serialized: the same n rows as serialized tf.Examples.

        Raises:
            DataError: the model refuses the rows or returns another number of rows.
        """
        tensors = self._tensors(batch, serialized)
        try:
            outputs = self.call(**tensors)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise DataError(
                f"{self.where}: failed on {batch.num_rows} rows with {type(error).__name__}: "
                f"{shown(first)}; check that the examples fit the model"
            ) from error
        dense = {name: _dense(value) for name, value in outputs.items()}
        for name, value in dense.items():
            if value.shape[:1] != (batch.num_rows,):
                raise DataError(
                    f"{self.where}: output {name!r} has shape {value.shape} for {batch.num_rows} "
                    "rows; export a signature with one output a row"
                )
        return dense


def _dense(value: Any) -> NDArray[Any]:
    if isinstance(value, tf.SparseTensor):
        value = tf.sparse.to_dense(value)
    elif isinstance(value, tf.RaggedTensor):
        value = value.to_tensor()
    return np.asarray(value.numpy())


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model ready to predict.

    Attributes:
        name: its name in the EvalConfig; "" when it is the only one.
        folder: its SavedModel.
        predict: the signature that gives predictions.
        preprocess: signatures that give features and labels as the model sees them.
    """

    name: str
    folder: Path
    predict: Signature
    preprocess: tuple[Signature, ...] = ()


def _signature(loaded: Any, folder: Path, name: str) -> Signature:
    if name not in loaded.signatures:
        raise ParameterError(
            f"model {folder}: no signature {shown(name)}; "
            f"it has: {', '.join(sorted(loaded.signatures)) or 'none'}"
        )
    call = loaded.signatures[name]
    inputs = dict(call.structured_input_signature[1])
    return Signature(where=f"model {folder}, signature {name}", call=call, inputs=inputs)


def load(folder: Path, spec: Any) -> LoadedModel:
    """Load the SavedModel in `folder` with the signatures that `spec` names.

    Args:
        folder: holds `<version>/saved_model.pb` or `saved_model.pb`.
        spec: a `tfma.ModelSpec`; without a signature_name `serve_tf_examples` is used where
            the model has it, else `serving_default`.

    Raises:
        DataError: the folder holds no SavedModel that loads.
        ParameterError: the model lacks a signature that is named.
    """
    found = version_folder(folder)
    try:
        loaded = tf.saved_model.load(str(found))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"model {shown(str(found))}: does not load: {shown(str(error))}; train it again"
        ) from error
    default = SERVE_EXAMPLES if SERVE_EXAMPLES in loaded.signatures else SERVING_DEFAULT
    names = list(spec.preprocessing_function_names)
    return LoadedModel(
        name=spec.name,
        folder=found,
        predict=_signature(loaded, found, spec.signature_name or default),
        preprocess=tuple(_signature(loaded, found, name) for name in names),
    )

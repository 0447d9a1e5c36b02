"""SavedModels as functions from rows to predictions; the module that runs user models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts.model_folder import version_folder
from kanaria.components.shared.artifacts.model_inputs import (
    Input,
    inputs_of,
    optional_inputs,
    parses_examples,
    takes_examples,
)
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.tensors.named import Feed, feeds

SERVE_EXAMPLES = "serve_tf_examples"
SERVING_DEFAULT = "serving_default"

# What one signature gives for a batch: an array of n rows, or several by output name.
Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature of a loaded model.

    Attributes:
        where: model path and signature, for messages.
        call: the concrete function; takes named tensors, returns named tensors.
        inputs: what it takes, by name.
        parses: whether it reads serialized tf.Examples.
    """

    where: str
    call: Any
    inputs: dict[str, Input]
    parses: bool

    def output_names(self) -> set[str]:
        """Return the names of its outputs."""
        return set(self.call.structured_outputs)

    def reads_examples(self, batch: pa.RecordBatch) -> bool:
        """Tell whether it is given a batch as serialized tf.Examples."""
        return takes_examples(self.inputs, batch.schema.names, self.parses)

    def _feeds(
        self, batch: pa.RecordBatch, serialized: Sequence[bytes], first: int
    ) -> Iterator[Feed]:
        columns = batch.schema.names
        if self.reads_examples(batch):
            examples = np.array(serialized, dtype=object)
            yield Feed(rows=np.arange(batch.num_rows), arrays={min(self.inputs): examples})
            return
        missing = sorted(set(self.inputs) - set(columns))
        if missing:
            raise DataError(
                f"{self.where}: inputs {shown(missing)} are no columns of the examples; "
                "evaluate on examples with the columns the model was trained on"
            )
        try:
            yield from feeds(batch, self.inputs, first)
        except DataError as error:
            raise DataError(f"{self.where}: {error}") from error

    def run(self, batch: pa.RecordBatch, serialized: Sequence[bytes], first: int = 0) -> Outputs:
        """Return the outputs for one batch, each of shape (rows, ...).

        Args:
            batch: n rows as lists (see `shared.record_batches`).
            serialized: the same n rows as serialized tf.Examples; not used unless it
                `reads_examples`.
            first: number of the first row in the split, for messages.

        Raises:
            DataError: the rows do not fit the model's inputs, the model refuses them, or it
                returns another number of rows or rows of different shapes.
        """
        feeds = self._feeds(batch, serialized, first)
        answers_of_feeds = [(feed.rows, self._answered(feed)) for feed in feeds]
        return {
            name: self._in_order(
                name, [(rows, answers[name]) for rows, answers in answers_of_feeds]
            )
            for name in answers_of_feeds[0][1]
        }

    def _answered(self, feed: Feed) -> Outputs:
        count = len(feed.rows)
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        tensors = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in feed.arrays.items()}
        try:
            outputs = self.call(**tensors)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise DataError(
                f"{self.where}: failed on {count} rows with {exception_cause.summary(error)}; "
                "check that the examples fit the model"
            ) from error
        dense = {name: _dense(value) for name, value in outputs.items()}
        for name, value in dense.items():
            if value.shape[:1] != (count,):
                raise DataError(
                    f"{self.where}: output {name!r} has shape {value.shape} for {count} "
                    "rows; export a signature with one output a row"
                )
        return dense

    def _in_order(self, name: str, parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Any:
        """Return what calls with some of the rows each gave, in the order of the rows."""
        shapes = {values.shape[1:] for _, values in parts}
        if len(shapes) > 1:
            raise DataError(
                f"{self.where}: output {name!r} has rows of shapes {shown(sorted(shapes))}; "
                "export an output whose shape does not follow the length of an input"
            )
        if len(parts) == 1:
            return parts[0][1]  # One call had all rows, in order.
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        return np.concatenate([values for _, values in parts])[order]


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

    def signatures(self) -> tuple[Signature, ...]:
        """Return every signature that is run on the rows."""
        return (self.predict, *self.preprocess)


def _signature(loaded: Any, folder: Path, name: str) -> Signature:
    if name not in loaded.signatures:
        raise ParameterError(
            f"model {folder}: no signature {shown(name)}; "
            f"it has: {', '.join(sorted(loaded.signatures)) or 'none'}"
        )
    call = loaded.signatures[name]
    inputs = inputs_of(call, optional_inputs(loaded) if name == SERVING_DEFAULT else None)
    where = f"model {folder}, signature {name}"
    return Signature(where=where, call=call, inputs=inputs, parses=parses_examples(call))


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
    version = version_folder(folder)
    try:
        loaded = tf.saved_model.load(str(version))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"model {shown(str(version))}: does not load: {exception_cause.summary(error)}; "
            "train it again"
        ) from error
    default = SERVE_EXAMPLES if SERVE_EXAMPLES in loaded.signatures else SERVING_DEFAULT
    names = list(spec.preprocessing_function_names)
    return LoadedModel(
        name=spec.name,
        folder=version,
        predict=_signature(loaded, version, spec.signature_name or default),
        preprocess=tuple(_signature(loaded, version, name) for name in names),
    )

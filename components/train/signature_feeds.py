"""Raw eval rows in the form a model's signature takes them."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.artifacts.model_inputs import (
    Inputs,
    inputs_of,
    parses_examples,
    takes_examples,
)
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tensors import adapter, signature_arrays
from kanaria.components.shared.tensors.signature_arrays import Feed

ROWS_PER_BATCH = 1_000


def called(signature: Any, feed: Feed) -> dict[str, tf.Tensor]:
    """Return what a signature of a loaded model answers to one feed."""
    # Of an empty array of objects TensorFlow does not know the type.
    kinds = {"O": tf.string}
    arguments = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in feed.arrays.items()}
    return dict(signature(**arguments))


def takes_serialized(signature: Any, schema: schema_pb2.Schema) -> bool:
    """Tell whether a signature of a loaded model takes serialized tf.Examples."""
    features = {feature.name for feature in schema.feature}
    return takes_examples(inputs_of(signature), features, parses_examples(signature))


def feeds(
    files: Sequence[Path],
    schema: schema_pb2.Schema,
    signature: Any,
    optional: Collection[str] | None = None,
) -> Iterator[Feed]:
    """Yield arguments for calls of a signature that give it every row of `files` once.

    A single input of text that the model parses, or that is no feature, takes serialized
    tf.Examples, as TFX models do. Otherwise every input is a raw feature.

    Args:
        files: raw files of the eval split.
        schema: of the raw features.
        signature: `serving_default` of a loaded model.
        optional: names of the inputs that may be missing; None where the model does not say.

    Raises:
        UserCodeError: an input is no raw feature, so a request could not hold it.
        DataError: a row does not fit an input.
    """
    inputs = inputs_of(signature, optional)
    if takes_serialized(signature, schema):
        return _serialized(files, schema, min(inputs))
    unknown = sorted(set(inputs) - {feature.name for feature in schema.feature})
    if unknown:
        raise UserCodeError(
            f"run_fn: serving_default takes {shown(unknown)}, which are no features of the "
            "schema; take raw features and transform them inside, as "
            "kanaria.components.train.export.export_model does"
        )
    return _named(files, inputs)


def _serialized(files: Sequence[Path], schema: schema_pb2.Schema, name: str) -> Iterator[Feed]:
    first = 0
    for examples in adapter.serialized_examples(files, ROWS_PER_BATCH, schema):
        rows = np.arange(first, first + len(examples))
        yield Feed(rows=rows, arrays={name: np.array(examples, dtype=object)})
        first += len(examples)


def _named(files: Sequence[Path], inputs: Inputs) -> Iterator[Feed]:
    first = 0
    for batch in record_batches(files, ROWS_PER_BATCH):
        for feed in signature_arrays.feeds(batch, inputs, first):
            yield Feed(rows=feed.rows + first, arrays=feed.arrays)
        first += batch.num_rows

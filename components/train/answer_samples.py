"""Samples of what a model answers, for the checks of the served model before it gets traffic."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.artifacts.model_inputs import Array, shape_of, specs_of
from kanaria.components.shared.artifacts.serving_samples import (
    Feature,
    Sample,
    ServingSamples,
    Tensor,
    as_json,
)
from kanaria.components.shared.frameworks.array_model import ArrayModel
from kanaria.components.shared.tensors.signature_arrays import Feed
from kanaria.components.train.signature_feeds import (
    ROWS_PER_BATCH,
    called,
    feeds,
    takes_serialized,
)

ROWS = 50
"""Enough rows to see different values, few enough for a file of some kilobytes."""


def _tensor(spec: Any) -> Tensor:
    return Tensor(dtype=spec.dtype.name, shape=shape_of(spec))


def _features(schema: schema_pb2.Schema) -> dict[str, Feature]:
    return {
        feature.name: Feature(
            type=schema_pb2.FeatureType.Name(feature.type),
            size=math.prod(dim.size for dim in feature.shape.dim)
            if feature.HasField("shape")
            else None,
        )
        for feature in schema.feature
    }


def _chosen(rows: Sequence[Feed]) -> list[Feed]:
    """Return up to ROWS rows, spread evenly over those that JSON can hold."""
    finite = [row for row in rows if all(_is_finite(array) for array in row.arrays.values())]
    places = np.linspace(0, max(len(finite) - 1, 0), min(ROWS, len(finite)))
    return [finite[int(place)] for place in places.round()]


def _is_finite(array: Array) -> bool:
    return array.dtype.kind not in "fV" or bool(np.isfinite(array).all())


def _first_rows(feeds: Iterable[Feed]) -> list[Feed]:
    """Return feeds of one row each, in the order of the rows."""
    rows = [
        Feed(
            rows=feed.rows[place : place + 1],
            arrays={name: array[place : place + 1] for name, array in feed.arrays.items()},
        )
        for feed in takewhile(lambda feed: feed.rows[0] < ROWS_PER_BATCH, feeds)
        for place in range(len(feed.rows))
    ]
    return sorted(rows, key=lambda row: int(row.rows[0]))


def _plain(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: as_json(array.tolist()[0]) for name, array in arrays.items()}


def collect(signature: Any, files: Sequence[Path], schema: schema_pb2.Schema) -> ServingSamples:
    """Return samples of a checked model's answers to the first eval rows.

    Args:
        signature: `serving_default` of the loaded model; it answers every row of `files`.
        files: raw files of the eval split.
        schema: of the raw features.
    """
    inputs = {name: _tensor(spec) for name, spec in specs_of(signature).items()}
    features = _features(schema)
    if takes_serialized(signature, schema):
        # A feature that bears the name of tf.Examples' input is not what the input takes.
        features.pop(min(inputs), None)

    def ask(row: Feed) -> Mapping[str, Array]:
        return {name: tensor.numpy() for name, tensor in called(signature, row).items()}

    return ServingSamples(
        inputs=inputs,
        outputs={name: _tensor(spec) for name, spec in signature.structured_outputs.items()},
        features=features,
        rows=_answered(feeds(files, schema, signature), ask),
    )


def _answered(
    all_rows: Iterable[Feed], ask: Callable[[Feed], Mapping[str, Array]]
) -> tuple[Sample, ...]:
    """Ask for some rows one by one, as the checks of the served model do."""
    return tuple(
        Sample(inputs=_plain(row.arrays), outputs=_plain(ask(row)))
        for row in _chosen(_first_rows(all_rows))
    )


def of_arrays(
    model: ArrayModel, all_rows: Iterable[Feed], schema: schema_pb2.Schema
) -> ServingSamples:
    """Return samples of the answers of a checked model that is no SavedModel.

    Args:
        model: it answers every row.
        all_rows: arguments of calls, with the raw rows of the eval split.
        schema: of the raw features.
    """
    return ServingSamples(
        inputs={
            name: Tensor(
                dtype="string" if one.dtype.kind == "O" else one.dtype.name, shape=one.shape
            )
            for name, one in model.inputs.items()
        },
        outputs=dict(model.outputs),
        features=_features(schema),
        rows=_answered(all_rows, lambda row: model.answers(row.arrays)),
        matrix=model.matrix,
    )

"""Samples of what a model answers, for the checks of the served model before it gets traffic."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.serving_samples import (
    Feature,
    Sample,
    ServingSamples,
    Tensor,
    as_json,
)
from kanaria.components.train.feeds import feeds

ROWS = 50
"""Enough rows to see different values, few enough for a file of some kilobytes."""
Tensors = Mapping[str, tf.Tensor]


def _described(specs: Mapping[str, Any]) -> dict[str, Tensor]:
    shapes = {name: spec.shape for name, spec in specs.items()}
    return {
        name: Tensor(
            dtype=spec.dtype.name,
            shape=None if shapes[name].rank is None else tuple(shapes[name].as_list()),
        )
        for name, spec in specs.items()
    }


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


def _chosen(feed: Tensors) -> list[int]:
    """Return up to ROWS rows, spread evenly over those that JSON can hold."""
    rows = next(iter(feed.values())).shape[0]
    writable = np.ones(rows, bool)
    for tensor in feed.values():
        if tensor.dtype.is_floating:
            writable &= np.isfinite(tensor.numpy()).reshape(rows, -1).all(axis=1)
    found = np.flatnonzero(writable)
    places = np.linspace(0, max(found.size - 1, 0), min(ROWS, found.size))
    return [int(row) for row in found[places.round().astype(int)]]


def _rows(tensors: Tensors, count: int) -> list[dict[str, Any]]:
    plain = {name: as_json(tensor.numpy().tolist()) for name, tensor in tensors.items()}
    return [{name: values[row] for name, values in plain.items()} for row in range(count)]


def collect(signature: Any, files: Sequence[Path], schema: schema_pb2.Schema) -> ServingSamples:
    """Return samples of a checked model's answers to the first eval rows.

    Args:
        signature: `serving_default` of the loaded model; it answers every row of `files`.
        files: raw files of the eval split.
        schema: of the raw features.
    """
    inputs = signature.structured_input_signature[1]
    feed = next(iter(feeds(files, schema, inputs)))
    chosen = _chosen(feed)
    samples: list[Sample] = []
    if chosen:
        given = {name: tf.gather(tensor, chosen) for name, tensor in feed.items()}
        answers = _rows(signature(**given), len(chosen))
        asked = _rows(given, len(chosen))
        samples = [Sample(inputs=i, outputs=o) for i, o in zip(asked, answers, strict=True)]
    return ServingSamples(
        inputs=_described(inputs),
        outputs=_described(signature.structured_outputs),
        features=_features(schema),
        rows=tuple(samples),
    )

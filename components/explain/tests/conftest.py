"""Small SavedModels over text and numbers, and their examples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from explain_world import World
from explained_flights import EVAL, TRAIN

import tensorflow as tf  # isort: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def flights(world: World) -> World:
    """A model with interactions over text, integers and floats, some of them missing."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "carrier"),
            tf.TensorSpec([None], tf.int64, "hour"),
            tf.TensorSpec([None], tf.float32, "delay"),
        ]
    )
    def model(carrier: Any, hour: Any, delay: Any) -> dict[str, Any]:
        filled = tf.where(tf.math.is_nan(delay), -3.0, delay)
        weight = tf.where(carrier == "UA", 1.5, -0.5)
        length = tf.cast(tf.strings.length(carrier), tf.float32)
        score = weight * filled + tf.cast(hour, tf.float32) * 0.1 * length
        return {"probability": tf.sigmoid(score)}

    world.model(model)
    world.examples(train=TRAIN, eval=EVAL)
    return world


@pytest.fixture
def linear(world: World) -> Callable[..., World]:
    """Make a world whose model is a softmax over weights times `x`, of `width` floats a row."""

    def make(width: int = 3, output: str = "scores") -> World:
        weights = tf.Variable([[0.5 * (row + 1) * (-1) ** column for column in range(2)]
                               for row in range(width)])  # fmt: skip

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, width], tf.float32, "x"),
                tf.TensorSpec([None], tf.float32, "z"),
            ]
        )
        def model(x: Any, z: Any) -> dict[str, Any]:
            scores = x @ weights + z[:, tf.newaxis] * [1.0, 0.0]
            return {output: tf.nn.softmax(scores), "raw": scores}

        world.model(model, weights=weights)
        rows = [[0.1 * place + 0.3 * n for place in range(width)] for n in range(8)]
        columns = {"x": rows, "z": [0.5 * n - 1.0 for n in range(8)]}
        world.examples(train=columns, eval={name: values[::2] for name, values in columns.items()})
        return world

    return make

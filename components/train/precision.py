"""The precision that Keras computes in: a policy for both Keras, and none for the transform."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.train.request import PRECISIONS

FLOAT32 = PRECISIONS[0]


@contextmanager
def _tf_keras_policy(name: str) -> Iterator[None]:
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


@contextmanager
def _keras_3_policy(name: str) -> Iterator[None]:
    keras: Any = importlib.import_module("keras")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Make `name`, one of PRECISIONS, the policy of layers made meanwhile, of both Keras."""
    if name == FLOAT32:  # Both begin with it, and the import of Keras 3 is saved.
        yield
        return
    with _tf_keras_policy(name), _keras_3_policy(name):
        yield


@cache
def keep_transform_in_its_types() -> None:
    """Let TFT's layer take what it was traced with, also under a mixed policy; once a process.

    It is a layer of Keras, which would cast what it is given to 16 bits: the graph refuses that,
    and a raw value above 65,504 is no number there.
    """
    layer: Any = tft.TransformFeaturesLayer
    made = layer.__init__

    @wraps(made)
    def in_float32(self: Any, *arguments: Any, **named: Any) -> None:
        with _tf_keras_policy(FLOAT32):
            made(self, *arguments, **named)

    layer.__init__ = in_float32


def served(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return outputs of 16 bits in 32: no server writes the former as JSON."""
    small = (tf.float16, tf.bfloat16)
    return {n: tf.cast(t, tf.float32) if t.dtype in small else t for n, t in outputs.items()}

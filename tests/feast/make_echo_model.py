"""Writes a SavedModel that answers what it was asked: make_echo_model.py FOLDER."""

import sys
from pathlib import Path

import tensorflow as tf

Spec = tf.TensorSpec


class Echo(tf.Module):
    """Answers each of its inputs."""

    @tf.function(
        input_signature=[
            Spec([None, 1], tf.float32, "x"),
            Spec([None], tf.int64, "n"),
            Spec([None], tf.int64, "long"),
            Spec([None], tf.string, "word"),
        ]
    )
    def echo(self, x, n, long, word):
        return {"x": x, "n": n, "long": long, "word": word}


echo = Echo()
tf.saved_model.save(echo, str(Path(sys.argv[1]) / "1"), signatures=echo.echo)

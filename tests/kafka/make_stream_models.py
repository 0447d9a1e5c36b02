"""Writes the models that tests of streams ask: python make_stream_models.py FOLDER."""

import sys
from pathlib import Path

import tensorflow as tf

SPECS = [
    tf.TensorSpec([None], tf.float32, "x"),
    tf.TensorSpec([None], tf.int64, "n"),
    tf.TensorSpec([None], tf.string, "word"),
]


class Adder(tf.Module):
    """Adds x, n and 100; it fails, as servers do, on a batch in which n is 13."""

    @tf.function(input_signature=SPECS)
    def add(self, x, n, word):
        def failed():
            return tf.cast(tf.strings.length(tf.io.read_file("/no/file")), tf.float32)

        unlucky = tf.reduce_any(n == 13)
        off = tf.cond(unlucky, failed, lambda: tf.constant(100.0))
        return {"score": off + x + tf.cast(n, tf.float32), "word": word}


class Plain(tf.Module):
    """Doubles x, its only input."""

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def double(self, x):
        return {"doubled": x + x}


root = Path(sys.argv[1])
adder, plain = Adder(), Plain()
tf.saved_model.save(adder, str(root / "adder" / "1"), signatures=adder.add)
tf.saved_model.save(plain, str(root / "plain" / "1"), signatures=plain.double)

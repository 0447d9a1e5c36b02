"""Writes tiny SavedModels, good and bad ones: python make_models.py FOLDER."""

import sys
from pathlib import Path

import tensorflow as tf

Spec = tf.TensorSpec


class Adder(tf.Module):
    """Adds a constant to x + n, and repeats the text."""

    def __init__(self, constant: float) -> None:
        super().__init__()
        self.constant = tf.Variable(constant)

    @tf.function(
        input_signature=[
            Spec([None, 1], tf.float32, "x"),
            Spec([None], tf.int64, "n"),
            Spec([None], tf.string, "word"),
        ]
    )
    def add(self, x, n, word):
        score = self.constant + tf.squeeze(x, 1) + tf.cast(n, tf.float32)
        return {"score": score, "word": word, "rows": tf.fill([tf.shape(x)[0]], tf.shape(x)[0])}

    @tf.function(input_signature=[Spec([None], tf.string, "examples")])
    def length(self, examples):
        return {"length": tf.strings.length(examples)}


class Failing(Adder):
    """Adds, but 4 % of its calls end with an error of the server's."""

    @tf.function(input_signature=[Spec([None, 1], tf.float32, "x")])
    def add(self, x):
        def failed():
            return tf.fill(
                tf.shape(x), tf.cast(tf.strings.length(tf.io.read_file("/no/file")), tf.float32)
            )

        return {"score": tf.cond(tf.random.uniform(()) < 0.04, failed, lambda: x + self.constant)}


class Slow(Adder):
    """Adds, but takes tens of milliseconds for it."""

    @tf.function(input_signature=[Spec([None, 1], tf.float32, "x")])
    def add(self, x):
        matrix = tf.random.uniform((400, 400))
        for _ in tf.range(20):
            matrix = tf.linalg.l2_normalize(tf.matmul(matrix, matrix))
        return {"score": x + self.constant + 0.0 * matrix[0, 0]}


class Plain(Adder):
    """Adds a constant to x."""

    @tf.function(input_signature=[Spec([None, 1], tf.float32, "x")])
    def add(self, x):
        return {"score": x + self.constant}


class Banded(tf.Module):
    """Says 0.9, but 0.1 to x in a band."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.band = tf.Variable([low, high])

    @tf.function(input_signature=[Spec([None, 1], tf.float32, "x")])
    def say(self, x):
        column = tf.squeeze(x, 1)
        inside = tf.logical_and(column >= self.band[0], column < self.band[1])
        return {"score": tf.where(inside, 0.1, 0.9)}


root = Path(sys.argv[1])
for name, constant in (("one", 100.0), ("two", 200.0)):
    adder = Adder(constant)
    signatures = {"serving_default": adder.add, "length": adder.length}
    tf.saved_model.save(adder, str(root / name / "1"), signatures=signatures)
for name, kind in (("plain", Plain), ("better", Plain), ("failing", Failing), ("slow", Slow)):
    model = kind(float(len(name)))
    tf.saved_model.save(model, str(root / name / "1"), signatures=model.add)
bands = {"serving": (0.0, 0.1), "alike": (0.0, 0.098), "equal": (0.03, 0.13), "worse": (0.02, 0.14)}
for name, (low, high) in bands.items():
    banded = Banded(low, high)
    tf.saved_model.save(banded, str(root / name / "1"), signatures=banded.say)
broken = root / "broken" / "1"
broken.mkdir(parents=True)
(broken / "saved_model.pb").write_bytes(b"not a graph")

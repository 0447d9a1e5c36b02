"""Writes two tiny SavedModels and one that does not load: python make_models.py FOLDER."""

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


root = Path(sys.argv[1])
for name, constant in (("one", 100.0), ("two", 200.0)):
    adder = Adder(constant)
    signatures = {"serving_default": adder.add, "length": adder.length}
    tf.saved_model.save(adder, str(root / name / "1"), signatures=signatures)
broken = root / "broken" / "1"
broken.mkdir(parents=True)
(broken / "saved_model.pb").write_bytes(b"not a graph")

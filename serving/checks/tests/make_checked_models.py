"""Writes SavedModels that a check must tell apart: python make_checked_models.py FOLDER."""

import sys
from pathlib import Path

import tensorflow as tf

SLOW_SECONDS, FAILING_EVERY = 0.3, 20


class Doubler(tf.Module):
    """Answers 2 x + n, and the word."""

    def __init__(self, factor: float = 2.0, wait: float = 0.0, fails_every: int = 0) -> None:
        super().__init__()
        self.factor, self.calls = tf.Variable(factor), tf.Variable(0)
        self.wait, self.fails_every = wait, fails_every

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, "x"),
            tf.TensorSpec([None, 2], tf.int64, "n"),
            tf.TensorSpec([None], tf.string, "word"),
        ]
    )
    def answer(self, x, n, word):
        if self.wait:
            start = tf.timestamp()
            while tf.timestamp() - start < self.wait:
                pass
        if self.fails_every:
            call = self.calls.assign_add(1)
            tf.debugging.assert_none_equal(call % self.fails_every, 0, message="out of luck")
        total = tf.cast(tf.reduce_sum(n, axis=1), tf.float32)
        return {"score": self.factor * x + total, "word": word}


class Integers(tf.Module):
    """Takes integers where the others take floats."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int64, "x"),
            tf.TensorSpec([None, 2], tf.int64, "n"),
            tf.TensorSpec([None], tf.string, "word"),
        ]
    )
    def answer(self, x, n, word):
        total = tf.cast(2 * x + tf.reduce_sum(n, axis=1), tf.float32)
        return {"score": total, "word": word}


root = Path(sys.argv[1])
models: dict[str, tf.Module] = {
    "good": Doubler(),
    "different": Doubler(factor=2.5),
    "slow": Doubler(wait=SLOW_SECONDS),
    "failing": Doubler(fails_every=FAILING_EVERY),
    "integers": Integers(),
}
for name, model in models.items():
    tf.saved_model.save(model, str(root / name / "1"), {"serving_default": model.answer})

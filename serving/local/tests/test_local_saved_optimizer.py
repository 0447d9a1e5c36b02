"""A SavedModel that holds its optimizer of Keras 2, which is not imported here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.serving.local.predictor.saved_model import SavedModel

TRAINED = """
import sys
import tensorflow as tf
from tensorflow.python.keras.optimizer_v2.adam import Adam

class Line(tf.Module):
    def __init__(self):
        self.weights = tf.Variable([1.0, 2.0])
        self.optimizer = Adam(0.5)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def answer(self, x):
        return {"y": tf.linalg.matvec(x, self.weights)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def momentum(self, x):
        return {"m": x + self.optimizer.get_slot(self.weights, "m")}

line = Line()
for _ in range(2):
    line.optimizer.minimize(lambda: tf.reduce_sum(line.weights ** 2), [line.weights])
tf.saved_model.save(
    line, sys.argv[1], signatures={"serving_default": line.answer, "momentum": line.momentum})
print(line.answer(tf.constant([[1.0, 1.0]]))["y"].numpy()[0])
print(line.momentum(tf.constant([[0.0, 0.0]]))["m"].numpy().tolist()[0])
"""


def test_it_loads_with_all_values_of_the_training(tmp_path: Path):
    command = [sys.executable, "-c", TRAINED, str(tmp_path / "1")]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    served = SavedModel("line", tmp_path)
    answer = json.loads(served.predict(b'{"instances": [{"x": [1.0, 1.0]}]}'))
    assert answer["predictions"] == [pytest.approx(float(lines[0]))]
    body = {"signature_name": "momentum", "instances": [{"x": [0.0, 0.0]}]}
    answer = json.loads(served.predict(json.dumps(body).encode()))
    assert answer["predictions"] == [pytest.approx(json.loads(lines[1]))]
    assert any(json.loads(lines[1]))

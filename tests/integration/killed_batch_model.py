"""Makes a release of one linear model: `killed_batch_model.py FOLDER`; for the training runtime."""

import json
import sys
from pathlib import Path

import tensorflow as tf

from kanaria.components.shared.artifacts import fingerprint

amount = tf.TensorSpec([None], tf.float32, name="amount")
city = tf.TensorSpec([None], tf.string, name="city")
module = tf.Module()
module.function = tf.function(
    lambda amount, city: {
        "score": amount * 2 + 1,
        "where": city,
        "both": tf.stack([amount] * 2, 1),
    },
    input_signature=[amount, city],
)
release = Path(sys.argv[1])
tf.saved_model.save(module, str(release / "model" / "1"), {"serving_default": module.function})
record = {"service": "rides", "outcome": "", "contents": {}}
record["fingerprint"] = fingerprint.of_tree(release / "model")
(release / "release.json").write_text(json.dumps(record))

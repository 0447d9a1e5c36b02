"""Loads KerasTuner so that its Keras is tf.keras, as in the user's modules.

KerasTuner asks `import keras` which Keras there is. That is Keras 3 beside TensorFlow 2.16,
whatever TF_USE_LEGACY_KERAS says, and then every model of tf.keras is refused, while TFT, TFMA and
TFX's modules take no other.
"""

import importlib
import sys
from typing import Any

NAMES = ("keras", "tensorflow.keras")
"""What KerasTuner imports; the second is Keras 3 where TensorFlow came before TFT."""
WITHOUT = ("IPython", "pandas")
"""What it imports where they are, seconds long, for notebooks and tables that no step has."""


def load() -> None:
    """Import keras_tuner, if it is not there yet, with tf_keras in the place of Keras 3.

    Call it after TensorFlow was imported and before the user's module is.
    """
    if "keras_tuner" in sys.modules:
        return
    tf_keras = importlib.import_module("tf_keras")
    absent: list[str] = [name for name in WITHOUT if name not in sys.modules]
    before = {name: sys.modules[name] for name in NAMES if name in sys.modules}
    sys.modules.update(dict.fromkeys(NAMES, tf_keras))
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        importlib.import_module("keras_tuner")
    finally:
        for name in (*NAMES, *absent):
            del sys.modules[name]
        sys.modules.update(before)


def draw_alike(oracle: Any) -> None:
    """Let what an oracle draws next follow from its seed and the number of its trials alone.

    BayesianOptimization keeps a generator of random numbers that its saved state leaves out, so a
    search that goes on after a kill would draw the first numbers again, and end elsewhere.
    """
    generator = getattr(oracle, "_random_state", None)
    if generator is not None:
        generator.seed((oracle.seed + len(oracle.trials)) % 2**32)

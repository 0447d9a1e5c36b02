"""The private names of TensorFlow this step needs, kept in one place."""

import importlib
import logging
from typing import Any

RULES = "tensorflow.python.autograph.core.config"


LIBRARIES = (
    "kanaria.components",
    "tensorflow_metadata",
    "tensorflow_transform",
    "tf_keras",
    "tfx_bsl",
)


def leave_libraries_unconverted() -> bool:
    """Tell AutoGraph not to rewrite the code of libraries, which needs it nowhere.

    TFT makes `tf.keras` mean tf_keras, which AutoGraph has no rule for, so it converts the
    library's source at every fit: 17 s instead of 3 s of CPU for 1,000 small steps. TFT's own
    source, converted for the signatures of a model, costs 2 to 3 s more.

    Returns:
        Whether this TensorFlow took the rules. Without them training is slower, not different,
        so that is a warning in the log.
    """
    try:
        config: Any = importlib.import_module(RULES)
        rule_texts = set(map(str, config.CONVERSION_RULES))
        rules = [config.DoNotConvert(name) for name in LIBRARIES]
        new = [rule for rule in rules if str(rule) not in rule_texts]
        if new:
            config.CONVERSION_RULES = (*new, *config.CONVERSION_RULES)
    except (ImportError, AttributeError) as error:
        logging.getLogger(__name__).warning(
            "This TensorFlow has no AutoGraph rules at %s (%s); "
            "training with tf_keras costs up to 15 s of CPU more.",
            RULES,
            error,
        )
        return False
    return True

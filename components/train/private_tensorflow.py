"""The private names of TensorFlow this step needs, kept in one place."""

import importlib
import logging
from typing import Any

RULES = "tensorflow.python.autograph.core.config"


def leave_tf_keras_unconverted() -> bool:
    """Tell AutoGraph not to rewrite tf_keras's own training loop.

    TFT makes `tf.keras` mean tf_keras, which AutoGraph has no rule for, so it converts the
    library's source at every fit: 17 s instead of 3 s of CPU for 1,000 small steps.

    Returns:
        Whether this TensorFlow took the rule. Without it training is slower, not different,
        so that is a warning in the log.
    """
    try:
        config: Any = importlib.import_module(RULES)
        rule = config.DoNotConvert("tf_keras")
        if str(rule) not in map(str, config.CONVERSION_RULES):
            config.CONVERSION_RULES = (rule, *config.CONVERSION_RULES)
    except (ImportError, AttributeError) as error:
        logging.getLogger(__name__).warning(
            "This TensorFlow has no AutoGraph rules at %s (%s); "
            "training with tf_keras costs up to 15 s of CPU more.",
            RULES,
            error,
        )
        return False
    return True

"""The private names of TensorFlow this step needs, kept in one place."""

from tensorflow.python.autograph.core import config


def leave_tf_keras_unconverted() -> None:
    """Tell AutoGraph not to rewrite tf_keras's own training loop.

    TFT makes `tf.keras` mean tf_keras, which AutoGraph has no rule for, so it converts the
    library's source at every fit: 17 s instead of 3 s of CPU for 1,000 small steps.
    """
    rule = config.DoNotConvert("tf_keras")
    if str(rule) not in map(str, config.CONVERSION_RULES):
        config.CONVERSION_RULES = (rule, *config.CONVERSION_RULES)

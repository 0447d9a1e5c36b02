"""The private name of TensorFlow that artifacts need; TensorFlow itself is not imported."""

from typing import Any


def argument_names(signature: Any) -> list[str]:
    """Return the names of a loaded signature's inputs, as the model was saved with them.

    What TensorFlow tells in public are identifiers that it makes of the names.
    """
    return list(signature._arg_keywords)

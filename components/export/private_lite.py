"""The private name of TensorFlow that this step needs: what its converter raises.

`ConverterError` is public nowhere, and is an Exception of no narrower kind.
"""

from tensorflow.lite.python.convert_phase import ConverterError

__all__ = ["ConverterError"]

"""The private names of TFT and TensorFlow that this step uses; nothing else imports any."""

from pathlib import Path
from typing import Any

from tensorflow.python.saved_model import fingerprinting_utils
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper


def arrow_converter(transformed_schema: schema_pb2.Schema) -> Any:
    """Return what TFT's Beam engine turns transformed tensors into record batches with.

    It has `arrow_schema()` and `convert(tensors)`; every column is a large_list.
    """
    return impl_helper.make_tensor_to_arrow_converter(transformed_schema)


def write_fingerprint(saved_model: Path) -> None:
    """Write TensorFlow's `fingerprint.pb` of a SavedModel folder anew."""
    fingerprinting_utils.write_fingerprint(str(saved_model))

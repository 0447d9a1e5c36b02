"""The private names of TFT and TensorFlow that this step uses; nothing else imports any."""

from pathlib import Path
from typing import Any

from tensorflow.python.eager import wrap_function
from tensorflow.python.saved_model import fingerprinting_utils
from tensorflow.python.trackable import resource as tracking
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    analyzer_nodes,
    analyzers,
    annotators,
    graph_tools,
    impl_helper,
    info_theory,
    nodes,
    tf2_utils,
    tf_utils,
)
from tensorflow_transform.graph_context import TFGraphContext
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import metadata_io

__all__ = [
    "TFGraphContext",
    "analyzer_nodes",
    "analyzers",
    "annotators",
    "arrow_converter",
    "graph_tools",
    "impl_helper",
    "info_theory",
    "metadata_io",
    "nodes",
    "saved_transform_io_v2",
    "tf2_utils",
    "tf_utils",
    "tracking",
    "wrap_function",
    "write_fingerprint",
]


def arrow_converter(transformed_schema: schema_pb2.Schema) -> Any:
    """Return what TFT's Beam engine turns transformed tensors into record batches with.

    It has `arrow_schema()` and `convert(tensors)`; every column is a large_list.
    """
    return impl_helper.make_tensor_to_arrow_converter(transformed_schema)


def write_fingerprint(saved_model: Path) -> None:
    """Write TensorFlow's `fingerprint.pb` of a SavedModel folder anew."""
    fingerprinting_utils.write_fingerprint(str(saved_model))

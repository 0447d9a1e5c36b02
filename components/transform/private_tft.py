"""The private names of TFT and TensorFlow that this step uses; nothing else imports any."""

from pathlib import Path
from typing import Any

from tensorflow.python.eager import wrap_function
from tensorflow.python.framework import op_def_registry
from tensorflow.python.saved_model import fingerprinting_utils
from tensorflow.python.trackable import resource as tracking
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    analyzer_nodes,
    analyzers,
    annotators,
    graph_tools,
    impl_helper,
    nodes,
    tf2_utils,
    tf_utils,
)
from tensorflow_transform.graph_context import TFGraphContext
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import metadata_io

__all__ = [
    "TFGraphContext",
    "VocabularyOrdering",
    "analyzer_nodes",
    "analyzers",
    "annotators",
    "arrow_converter",
    "graph_tools",
    "has_state",
    "impl_helper",
    "joined_boundaries",
    "metadata_io",
    "mutual_information",
    "nodes",
    "saved_transform_io_v2",
    "tf2_utils",
    "tf_utils",
    "tracking",
    "wrap_function",
    "write_fingerprint",
]


VocabularyOrdering = analyzers._VocabOrderingType


def has_state(operation: str) -> bool:
    """Tell whether TensorFlow holds that an operation's results depend on more than its inputs.

    One that this process does not know is taken to have a state.
    """
    definition = op_def_registry.get(operation)
    return definition is None or bool(definition.is_stateful)


def joined_boundaries(boundaries: Any) -> Any:
    """Return boundaries, scales, shifts and number of buckets for rows of boundaries by key."""
    from tensorflow_transform.beam import analyzer_impls  # It imports Beam.

    return analyzer_impls._join_boundary_rows(boundaries)


def mutual_information(token: Any, own: Any, whole: Any, adjusted: bool, least: float) -> Any:
    """Return (information, frequency) of a token from its label means and those of all rows.

    Args:
        token: the token, for messages.
        own: state of WeightedMeanAndVarCombiner for the token.
        whole: the same for all rows.
        adjusted: whether what is to be expected by chance is taken off.
        least: difference from the average below which a label tells nothing.
    """
    from tensorflow_transform.beam import analyzer_impls  # It imports Beam.

    result = analyzer_impls._calculate_mutual_information_for_feature_value(
        (token, own), whole, adjusted, least
    )
    information, _, frequency = result[1]
    return information, frequency


def arrow_converter(transformed_schema: schema_pb2.Schema) -> Any:
    """Return what TFT's Beam engine turns transformed tensors into record batches with.

    It has `arrow_schema()` and `convert(tensors)`; every column is a large_list.
    """
    return impl_helper.make_tensor_to_arrow_converter(transformed_schema)


def write_fingerprint(saved_model: Path) -> None:
    """Write TensorFlow's `fingerprint.pb` of a SavedModel folder anew."""
    fingerprinting_utils.write_fingerprint(str(saved_model))

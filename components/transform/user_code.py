"""The user's preprocessing_fn, made to fail with one clear line."""

import difflib
import inspect
import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.user_code import user_module

logger = logging.getLogger(__name__)
USUAL_NAME = "preprocessing_fn"
Features = dict[str, Any]
"""Feature name -> Tensor of shape (rows, ...), SparseTensor or RaggedTensor."""

DTYPES = (tf.int64, tf.float32, tf.string)
"""What a tf.Example can hold, and so all that TFX hands to training."""


def _fault(name: object, tensor: object) -> str:
    """Return what is wrong with one output, or ""."""
    if not isinstance(name, str):
        return f"output {shown(name)}: a feature's name must be text"
    if not isinstance(tensor, tf.Tensor | tf.SparseTensor | tf.RaggedTensor):
        return f"output {shown(name)}: {shown(tensor)} is not a tensor; return one value a row"
    if tensor.dtype not in DTYPES:
        kinds = "int64, float32 or string"
        return f"output {shown(name)} has type {tensor.dtype.name}; cast it to {kinds}"
    if tensor.shape.rank == 0:
        return f"output {shown(name)} is a single value; return one value a row"
    return ""


def _check_outputs(place: str, outputs: object) -> None:
    if not isinstance(outputs, dict) or not outputs:
        raise UserCodeError(
            f"{place} returned {shown(outputs)}; return a dict of feature name to tensor"
        )
    faults = [_fault(name, tensor) for name, tensor in outputs.items()]
    if any(faults):
        raise UserCodeError(f"{place}: " + "; ".join(fault for fault in faults if fault))


def _why_absent(error: UserCodeError, inputs: Features, schema: schema_pb2.Schema) -> str:
    """Return why a key that the user's function asked its inputs for is not there, or ""."""
    raised = error.__cause__
    key = raised.args[0] if isinstance(raised, KeyError) and raised.args else None
    if not isinstance(key, str) or key in inputs:
        return ""
    stages = {feature.name: feature.lifecycle_stage for feature in schema.feature}
    if stages.get(key):
        stage = schema_pb2.LifecycleStage.Name(stages[key])
        return (
            f"; the schema marks feature {shown(key)} as {stage}, and such a feature is left out: "
            "take its lifecycle_stage out of the schema, or do without it"
        )
    near = difflib.get_close_matches(key, inputs, n=3)
    return f"; features of the schema with such a name: {', '.join(near)}" if near else ""


def load(
    module_file: str, name: str, custom_config: Features, schema: schema_pb2.Schema
) -> Callable[[Features], Features]:
    """Return the user's function of one argument, with `custom_config` bound if it takes it.

    The returned function raises UserCodeError when the user's raises, or returns anything but
    tensors that a tf.Example can hold. Where it asks for a feature that is left out, the
    message says why it is.

    Args:
        module_file: path of a `.py` file, or an importable name.
        name: name of the function in it.
        custom_config: bound to the parameter of that name.
        schema: the raw features.

    A module without a function of the usual name leaves the features as they are.

    Raises:
        UserCodeError: the module or the function does not load.
    """
    if name == USUAL_NAME and not hasattr(user_module.load(module_file), name):
        logger.warning("%s: no function %s; features stay as they are", module_file, name)
        return dict
    function = user_module.function(module_file, name)
    takes_config = "custom_config" in inspect.signature(function).parameters
    named = {"custom_config": custom_config} if takes_config else {}

    def preprocessing_fn(inputs: Features) -> Features:
        features = dict(inputs)  # The user's function may change its own.
        try:
            outputs: Features = user_module.call(function, inputs, **named)
        except UserCodeError as error:
            why = _why_absent(error, features, schema)
            raise UserCodeError(f"{error}{why}") from error.__cause__
        _check_outputs(f"{module_file}: {name}", outputs)
        return outputs

    return preprocessing_fn

"""SavedModels as functions from rows to predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.evaluate import array_functions
from kanaria.components.evaluate.model_signature import CallError, LoadedModel, Outputs, Signature
from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts.model_inputs import (
    Array,
    inputs_of,
    optional_inputs,
    parses_examples,
)
from kanaria.components.shared.artifacts.saved_signature import load_model
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.frameworks import model_files
from kanaria.components.shared.frameworks.model_files import Framework

SERVE_EXAMPLES = "serve_tf_examples"
SERVING_DEFAULT = "serving_default"


def _dense(value: Any) -> NDArray[Any]:
    if isinstance(value, tf.SparseTensor):
        value = tf.sparse.to_dense(value)
    elif isinstance(value, tf.RaggedTensor):
        value = value.to_tensor()
    return np.asarray(value.numpy())


def _signature(loaded: Any, folder: Path, name: str) -> Signature:
    if name not in loaded.signatures:
        raise ParameterError(
            f"model {folder}: no signature {shown(name)}; "
            f"it has: {', '.join(sorted(loaded.signatures)) or 'none'}"
        )
    function = loaded.signatures[name]
    inputs = inputs_of(function, optional_inputs(loaded) if name == SERVING_DEFAULT else None)

    def call(arrays: Mapping[str, Array]) -> Outputs:
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        tensors = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in arrays.items()}
        try:
            outputs = function(**tensors)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise CallError(exception_cause.summary(error)) from error
        return {name: _dense(value) for name, value in outputs.items()}

    return Signature(
        where=f"model {folder}, signature {name}",
        call=call,
        outputs=frozenset(function.structured_outputs),
        inputs=inputs,
        parses=parses_examples(function),
    )


def load(folder: Path, spec: Any) -> LoadedModel:
    """Load the model in `folder` with the signatures that `spec` names.

    Args:
        folder: holds `<version>/saved_model.pb` or `saved_model.pb`, or a model of another
            framework (see `model_files`), which has no signatures.
        spec: a `tfma.ModelSpec`; without a signature_name `serve_tf_examples` is used where
            the model has it, else `serving_default`.

    Raises:
        DataError: the folder holds no model that loads.
        ParameterError: the model lacks a signature that is named.
    """
    files = model_files.locate(folder)
    if files.framework is not Framework.TENSORFLOW:
        return array_functions.load(files, spec)
    version = files.folder
    loaded = load_model(version, tf)
    default = SERVE_EXAMPLES if SERVE_EXAMPLES in loaded.signatures else SERVING_DEFAULT
    names = list(spec.preprocessing_function_names)
    return LoadedModel(
        name=spec.name,
        folder=version,
        predict=_signature(loaded, version, spec.signature_name or default),
        preprocess=tuple(_signature(loaded, version, name) for name in names),
    )

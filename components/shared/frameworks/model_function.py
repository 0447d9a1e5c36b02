"""A model of any framework as one function: arrays by input in, arrays by output out.

Rule: steps that ask a model load it here alone, and have no table of frameworks of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts import saved_signature
from kanaria.components.shared.artifacts.model_inputs import (
    Array,
    Inputs,
    inputs_of,
    optional_inputs,
    parses_examples,
    shape_of,
)
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.frameworks import load_model
from kanaria.components.shared.frameworks.array_model import PredictionError
from kanaria.components.shared.frameworks.model_files import Framework, ModelFiles, locate

SERVING_DEFAULT = "serving_default"
Call = Callable[[Mapping[str, Array]], dict[str, Array]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFunction:
    """What is asked of a loaded model.

    Attributes:
        where: names it in a message.
        call: one array an input, each with one entry a row, to the outputs; raises PredictionError.
        inputs: what it takes, by name; of a matrix its columns, in their order.
        outputs: what it answers, by name.
        optional: inputs that may be no columns of the data.
        parses: whether it reads serialized tf.Examples.
        traced: the signature of a SavedModel as TensorFlow loads it; None of other frameworks.
        loaded: the model, which holds what the function computes with.
    """

    where: str
    call: Call
    inputs: Inputs
    outputs: Mapping[str, Tensor]
    optional: frozenset[str]
    parses: bool
    traced: Any
    loaded: Any


def load(model: Path, name: str, step: str, tensorflow: ModuleType) -> ModelFunction:
    """Load the newest model in a folder.

    Args:
        model: folder of a model of any framework.
        name: of the signature; a model of a framework without signatures has the default alone.
        step: which asks for it, for the message of a wrong name.
        tensorflow: the module, which is not loaded here.

    Raises:
        DataError: there is no model that loads.
        ParameterError: the model has no such signature.
    """
    files = locate(model)
    if files.framework is not Framework.TENSORFLOW:
        return _of_arrays(files, name, step)
    saved = saved_signature.load(model, name, step, tensorflow)
    optional = optional_inputs(saved.loaded) if name == SERVING_DEFAULT else None
    return ModelFunction(
        where=f"signature {shown(name)}",
        call=signature_call(saved.call, tensorflow),
        inputs=inputs_of(saved.call, optional),
        outputs=_outputs(name, saved.call, tensorflow),
        optional=optional or frozenset(),
        parses=parses_examples(saved.call),
        traced=saved.call,
        loaded=saved.loaded,
    )


def _of_arrays(files: ModelFiles, name: str, step: str) -> ModelFunction:
    if name != SERVING_DEFAULT:
        raise ParameterError(
            f"{step}: signature={shown(name)}: {files.file}: a model of {files.framework} has no "
            "signatures; leave it out"
        )
    model = load_model.load(files)
    return ModelFunction(
        where=f"model {files.file}",
        call=model.answers,
        inputs=model.inputs,
        outputs=model.outputs,
        optional=frozenset(),
        parses=False,
        traced=None,
        loaded=model,
    )


def _outputs(name: str, signature: Any, tensorflow: ModuleType) -> dict[str, Tensor]:
    """Return the outputs in the order of their names.

    Raises:
        DataError: one is no dense tensor.
    """
    specs = signature.structured_outputs
    foreign = sorted(k for k, spec in specs.items() if not isinstance(spec, tensorflow.TensorSpec))
    if foreign:
        raise DataError(f"signature {shown(name)}: outputs {shown(foreign)} are no dense tensors")
    return {
        key: Tensor(dtype=spec.dtype.name, shape=shape_of(spec))
        for key, spec in sorted(specs.items())
    }


def signature_call(signature: Any, tensorflow: ModuleType) -> Call:
    """Return a signature as a function of arrays; sparse and ragged outputs come dense.

    Args:
        signature: loaded by `tf.saved_model.load`.
        tensorflow: the module.
    """
    # Of an empty array of objects TensorFlow does not know the type.
    types = {"O": tensorflow.string}

    def call(arrays: Mapping[str, Array]) -> dict[str, Array]:
        tensors = {n: tensorflow.constant(a, types.get(a.dtype.kind)) for n, a in arrays.items()}
        try:
            outputs = signature(**tensors)
        except (tensorflow.errors.OpError, TypeError, ValueError) as error:
            raise PredictionError(exception_cause.summary(error)) from error
        return {name: _dense(value, tensorflow) for name, value in outputs.items()}

    return call


def _dense(value: Any, tensorflow: ModuleType) -> Array:
    if isinstance(value, tensorflow.SparseTensor):
        value = tensorflow.sparse.to_dense(value)
    elif isinstance(value, tensorflow.RaggedTensor):
        value = value.to_tensor()
    return np.asarray(value.numpy())

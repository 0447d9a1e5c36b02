"""An ONNX model by onnxruntime, with the names and types that Triton serves.

Source: ONNX, "Type system"; Triton, "ONNX Runtime backend": tensors alone are served.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Input
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import private_onnxruntime
from kanaria.components.shared.frameworks.array_model import LIBRARY_FAULTS, PredictionError

TYPES = {
    "tensor(bool)": "bool",
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(int8)": "int8",
    "tensor(string)": "object",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(uint8)": "uint8",
}
"""Type of ONNX -> of numpy."""


class OnnxModel:
    """One model, loaded.

    Attributes:
        inputs: tensor by name.
        outputs: tensor by name.
    """

    def __init__(self, file: Path) -> None:
        """Load it for one thread, as many requests are answered at once.

        Raises:
            DataError: it does not load, or takes or gives what is no tensor.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        faults: tuple[type[Exception], ...] = (*LIBRARY_FAULTS, *private_onnxruntime.faults())
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except faults as error:
            raise DataError(f"{file}: no ONNX model: {shown(str(error))}; export it again") from (
                error
            )
        self._faults = faults
        self.inputs = {
            one.name: Input(dtype=_type(file, one), shape=_shape(one), required=True)
            for one in self._session.get_inputs()
        }
        self.outputs = {
            one.name: Tensor(dtype=_name(_type(file, one)), shape=_shape(one))
            for one in self._session.get_outputs()
        }

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name; texts are bytes.

        Raises:
            PredictionError: the model fails on the tensors.
        """
        arguments = {name: _decoded(values) for name, values in feed.items()}
        try:
            answers = self._session.run(None, arguments)
        except self._faults as error:
            raise PredictionError(f"{type(error).__name__}: {shown(str(error))}") from error
        return {name: _encoded(values) for name, values in zip(self.outputs, answers, strict=True)}


def _type(file: Path, one: Any) -> np.dtype[Any]:
    if one.type not in TYPES:
        raise DataError(
            f"{file}: {shown(one.name)} is a {one.type}, which Triton does not serve; of a "
            "scikit-learn classifier export with options={'zipmap': False}"
        )
    return np.dtype(TYPES[one.type])


def _name(dtype: np.dtype[Any]) -> str:
    return "string" if dtype.kind == "O" else dtype.name


def _shape(one: Any) -> tuple[int | None, ...]:
    """Return the sizes; a size with a name, or without any, is free."""
    return tuple(size if isinstance(size, int) else None for size in one.shape)


def _decoded(values: Array) -> Array:
    if values.dtype.kind != "O":
        return values
    texts = [value.decode() if isinstance(value, bytes) else value for value in values.flat]
    return np.array(texts, dtype=object).reshape(values.shape)


def _encoded(values: Any) -> Array:
    array = np.asarray(values)
    if array.dtype.kind != "O":
        return array
    texts = [value.encode() if isinstance(value, str) else value for value in array.flat]
    return np.array(texts, dtype=object).reshape(array.shape)

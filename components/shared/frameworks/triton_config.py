"""The config.pbtxt of an ONNX model. Pure.

Triton can make one itself, but one that takes four rows at once, which it calls a batch. Here the
rows are an axis like any other: as many as a request has.

Source: Triton, "Model Configuration": maximum batch size, auto-generated configuration.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.artifacts.model_inputs import Inputs
from kanaria.components.shared.artifacts.serving_samples import Tensor

FILE = "config.pbtxt"
TYPES = {
    "bool": "TYPE_BOOL",
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
    "object": "TYPE_STRING",
    "string": "TYPE_STRING",
}


def text(inputs: Inputs, outputs: Mapping[str, Tensor]) -> str:
    """Return the configuration of a model with these tensors; its folder names it."""
    tensors = [_tensor("input", name, one.dtype.name, one.shape) for name, one in inputs.items()]
    tensors += [_tensor("output", name, one.dtype, one.shape) for name, one in outputs.items()]
    return "\n".join(['backend: "onnxruntime"', "max_batch_size: 0", *tensors, ""])


def _tensor(kind: str, name: str, dtype: str, shape: tuple[int | None, ...] | None) -> str:
    sizes: list[Any] = [-1 if size is None else size for size in shape or (1,)]
    data_type = TYPES.get(dtype, f"TYPE_{dtype.upper()}")
    return f'{kind} {{ name: "{name}" data_type: {data_type} dims: {sizes} }}'

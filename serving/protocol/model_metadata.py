"""What a server tells of a model's signature, in V1 and V2. Pure.

    GET /v1/models/NAME/metadata   {"metadata": {"signature_def": ...}}               read
    GET /v2/models/NAME            {"name": ..., "inputs": [...], "outputs": [...]}   both ways

Sources: TensorFlow Serving RESTful API, "Model Metadata API"; Open Inference Protocol v2,
"Model Metadata".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.serving.protocol.tensors import NAMES, TENSORFLOW_NAMES, datatype

SIGNATURE, PLATFORM = "serving_default", "tensorflow_savedmodel"
Tensors = Mapping[str, Tensor]
Signature = tuple[Tensors, Tensors]
"""Inputs and outputs by name."""
Shape = tuple[int | None, ...] | None
"""None for a free size, and for a free rank."""


def metadata_path(name: str, protocol: str) -> str:
    """Return the path that tells the signature of model `name` in protocol "v1" or "v2"."""
    return f"/v1/models/{name}/metadata" if protocol == "v1" else f"/v2/models/{name}"


def of_tensorflow_serving(answer: Mapping[str, Any]) -> Signature:
    """Return `serving_default` from the answer to GET /v1/models/NAME/metadata.

    Raises:
        KeyError, TypeError, ValueError: it is no such answer.
    """
    signature = answer["metadata"]["signature_def"]["signature_def"][SIGNATURE]
    return _tensors(signature["inputs"]), _tensors(signature["outputs"])


def _tensors(infos: Mapping[str, Any]) -> Tensors:
    return {
        name: Tensor(dtype=_tensorflow_type(info["dtype"]), shape=_shape(info["tensor_shape"]))
        for name, info in infos.items()
    }


def _tensorflow_type(name: str) -> str:
    return TENSORFLOW_NAMES.get(name, name.removeprefix("DT_").lower())


def _shape(shape: Mapping[str, Any]) -> Shape:
    if shape.get("unknown_rank"):
        return None
    return tuple(_size(dim["size"]) for dim in shape.get("dim", []))


def _size(size: int | str) -> int | None:
    return None if int(size) < 0 else int(size)


def of_inference_protocol(answer: Mapping[str, Any]) -> Signature:
    """Return the signature from the answer to GET /v2/models/NAME; without shape, the rank is free.

    Raises:
        KeyError, TypeError, ValueError: it is no such answer, or it names no tensors.
    """
    inputs, outputs = (
        {
            tensor["name"]: Tensor(
                dtype=NAMES.get(tensor["datatype"], tensor["datatype"].lower()),
                shape=tuple(_size(size) for size in tensor["shape"]) or None,
            )
            for tensor in answer[part]
        }
        for part in ("inputs", "outputs")
    )
    if not (inputs and outputs):
        raise ValueError("the server names no tensors")
    return inputs, outputs


def described(name: str, dtype: np.dtype[Any], shape: Shape) -> dict[str, Any]:
    """Return what V2 tells of a tensor; -1 is a free size."""
    sizes = [-1 if size is None else size for size in shape or ()]
    return {"name": name, "datatype": datatype(dtype), "shape": sizes}

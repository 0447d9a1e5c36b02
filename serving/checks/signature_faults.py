"""A served model's signature against the trained model's, and this one's against the schema. Pure.

Sources: TensorFlow Serving RESTful API, "Model Metadata API"; Open Inference Protocol v2,
"Model Metadata".
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from kanaria.components.shared.serving_samples import Feature, ServingSamples, Tensor

SIGNATURE = "serving_default"
TENSORFLOW_TYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}
PROTOCOL_TYPES = {"BYTES": "string", "BF16": "bfloat16"}
PROTOCOL_TYPES |= {f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)}
Tensors = Mapping[str, Tensor]
Signature = tuple[Tensors, Tensors]
"""Inputs and outputs by name."""


def of_tensorflow_serving(answer: Mapping[str, Any]) -> Signature:
    """Return `serving_default` from the answer to GET /v1/models/NAME/metadata.

    Raises:
        KeyError, TypeError, ValueError: it is no such answer.
    """
    found = answer["metadata"]["signature_def"]["signature_def"][SIGNATURE]
    return _read(found["inputs"]), _read(found["outputs"])


def _read(infos: Mapping[str, Any]) -> Tensors:
    return {
        name: Tensor(dtype=_tensorflow_type(info["dtype"]), shape=_shape(info["tensor_shape"]))
        for name, info in infos.items()
    }


def _tensorflow_type(name: str) -> str:
    return TENSORFLOW_TYPES.get(name, name.removeprefix("DT_").lower())


def _shape(shape: Mapping[str, Any]) -> tuple[int | None, ...] | None:
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
    found = [
        {
            tensor["name"]: Tensor(
                dtype=PROTOCOL_TYPES.get(tensor["datatype"], tensor["datatype"].lower()),
                shape=tuple(_size(size) for size in tensor["shape"]) or None,
            )
            for tensor in answer[part]
        }
        for part in ("inputs", "outputs")
    ]
    if not all(found):
        raise ValueError("the server names no tensors")
    return found[0], found[1]


def faults_of_served(served: Signature, samples: ServingSamples) -> Iterator[str]:
    """Yield how the served signature differs from the one of the model that was trained."""
    for kind, found, wanted in (
        ("input", served[0], samples.inputs),
        ("output", served[1], samples.outputs),
    ):
        for name in sorted(found.keys() | wanted.keys()):
            if name not in found:
                yield f"{kind} {name!r} is not served; the trained model has it"
            elif name not in wanted:
                yield f"{kind} {name!r} is served; the trained model has none of that name"
            elif not _equal(found[name], wanted[name]):
                yield (
                    f"{kind} {name!r} is served as {shown_tensor(found[name])}; "
                    f"the trained model has {shown_tensor(wanted[name])}"
                )


def _equal(found: Tensor, wanted: Tensor) -> bool:
    same_shape = None in (found.shape, wanted.shape) or found.shape == wanted.shape
    return found.dtype == wanted.dtype and same_shape


def shown_tensor(tensor: Tensor) -> str:
    """Return how a message says a type and shape."""
    if tensor.shape is None:
        return f"{tensor.dtype} of any shape"
    sizes = ", ".join("any" if size is None else str(size) for size in tensor.shape)
    return f"{tensor.dtype} of shape ({sizes})"


def faults_against_schema(samples: ServingSamples) -> Iterator[str]:
    """Yield which inputs of the model do not take what the schema says of their feature.

    A single input of text that is no feature takes serialized tf.Examples of all of them.
    """
    unknown = [name for name in samples.inputs if name not in samples.features]
    if [samples.inputs[name].dtype for name in unknown] == ["string"]:
        return
    for name in unknown:
        yield f"input {name!r} is no feature of the schema"
    for name, tensor in samples.inputs.items():
        feature = samples.features.get(name)
        if feature and not _takes(tensor, feature):
            size = "" if feature.size is None else f" of {feature.size} values a row"
            yield f"input {name!r} is {shown_tensor(tensor)}; the schema says {feature.type}{size}"


def _takes(tensor: Tensor, feature: Feature) -> bool:
    """Tell whether an input holds every value of a feature; a whole number fits a float."""
    kinds = {"BYTES": ("string",), "FLOAT": ("float", "bfloat"), "INT": ("int", "uint", "bool")}
    allowed = kinds.get(feature.type, ()) + (kinds["FLOAT"] if feature.type == "INT" else ())
    if not tensor.dtype.startswith(allowed):
        return False
    sizes = None if tensor.shape is None else tensor.shape[1:]
    if feature.size is None or sizes is None or None in sizes:
        return True
    return math.prod(size or 1 for size in sizes) == feature.size

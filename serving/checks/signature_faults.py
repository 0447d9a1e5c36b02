"""A served signature against the trained model's, and this one's against the schema. Pure."""

import math
from collections.abc import Iterator

from kanaria.components.shared.artifacts.serving_samples import Feature, ServingSamples, Tensor
from kanaria.serving.protocol.model_metadata import Signature


def faults_of_served(served: Signature, samples: ServingSamples) -> Iterator[str]:
    """Yield how the served signature differs from the one of the model that was trained."""
    for kind, tensors, wanted in (
        ("input", served[0], samples.tensors),
        ("output", served[1], samples.outputs),
    ):
        for name in sorted(tensors.keys() | wanted.keys()):
            if name not in tensors:
                yield f"{kind} {name!r} is not served; the trained model has it"
            elif name not in wanted:
                yield f"{kind} {name!r} is served; the trained model has none of that name"
            elif not _equal(tensors[name], wanted[name]):
                yield (
                    f"{kind} {name!r} is served as {shown_tensor(tensors[name])}; "
                    f"the trained model has {shown_tensor(wanted[name])}"
                )


def _equal(tensor: Tensor, wanted: Tensor) -> bool:
    same_shape = None in (tensor.shape, wanted.shape) or tensor.shape == wanted.shape
    return tensor.dtype == wanted.dtype and same_shape


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

"""Whether requests made for the stable revision fit the new one. Pure.

Both serve at once under a canary, and a client does not know who answers: what the stable revision
takes, the new one must take, and answer under the same names. Taking more is no fault.
"""

from collections.abc import Iterator, Mapping

from kanaria.components.shared.artifacts.serving_samples import ServingSamples, Tensor
from kanaria.components.shared.errors import shown
from kanaria.serving.checks.signature_faults import shown_tensor
from kanaria.serving.protocol.model_metadata import Signature, Tensors

NAME = "compatibility"


def faults(new: Signature, stable: Signature, protocol: str) -> Iterator[str]:
    """Yield why clients of the stable revision would not be served by the new one.

    Args:
        new: signature of the new revision.
        stable: signature of the stable revision.
        protocol: of the new one, "v1" or "v2".
    """
    yield from _inputs(new[0], stable[0])
    yield from _outputs(new[1], stable[1], protocol)


def _inputs(new: Tensors, stable: Tensors) -> Iterator[str]:
    for name in sorted(new.keys() | stable.keys()):
        if name not in new:
            yield f"input {name!r} is unknown to it; requests for the stable revision have it"
        elif name not in stable:
            yield f"input {name!r} is asked for; requests for the stable revision lack it"
        elif not _takes(new[name], stable[name]):
            yield (
                f"input {name!r} takes {shown_tensor(new[name])}; "
                f"the stable revision takes {shown_tensor(stable[name])}"
            )


def _takes(new: Tensor, stable: Tensor) -> bool:
    """Tell whether an input takes all that another does; of a shape not told nothing is known."""
    if new.dtype != stable.dtype:
        return False
    if new.shape is None or stable.shape is None:
        return True
    if len(new.shape) != len(stable.shape):
        return False
    return all(size in (None, of) for size, of in zip(new.shape, stable.shape, strict=True))


def _outputs(new: Tensors, stable: Tensors, protocol: str) -> Iterator[str]:
    for name in sorted(stable):
        if name not in new:
            yield f"output {name!r} is not answered; the stable revision answers it"
        elif (new[name].dtype == "string") != (stable[name].dtype == "string"):
            kinds = f"{new[name].dtype}; the stable revision answers {stable[name].dtype}"
            yield f"output {name!r} is {kinds}"
    if protocol == "v1" and len(stable) == 1 < len(new):
        # TensorFlow Serving RESTful API: a single output is answered without its name.
        yield f"it answers {', '.join(sorted(new))} by name; clients expect a single value"


def of_matrices(new: ServingSamples, stable: ServingSamples) -> Iterator[str]:
    """Yield how two models differ that take a matrix, whose columns a request does not name.

    Args:
        new: of the new revision.
        stable: of the stable one; nothing is told where it takes no matrix.
    """
    if not stable.matrix:
        return
    columns, of_stable = list(new.inputs), list(stable.inputs)
    if columns != of_stable:
        yield (
            f"the columns of its matrix are {shown(columns)}, of the stable revision's "
            f"{shown(of_stable)}; a request does not name them"
        )
    for name in sorted(new.outputs.keys() & stable.outputs.keys()):
        if _row(new.outputs[name]) != _row(stable.outputs[name]):
            yield (
                f"output {name!r} is {shown_tensor(new.outputs[name])}; "
                f"the stable revision answers {shown_tensor(stable.outputs[name])}"
            )


def _row(tensor: Tensor) -> tuple[int | None, ...] | None:
    return None if tensor.shape is None else tensor.shape[1:]


def unspoken(new: Mapping[str, str], stable: Mapping[str, str]) -> Iterator[str]:
    """Yield the protocols that the stable revision speaks and the new one does not.

    Args:
        new: protocol -> why it did not answer a row, "" if it did.
        stable: the same of the stable revision, for the same row.
    """
    for protocol, fault in new.items():
        if fault and not stable[protocol]:
            yield f"it does not answer protocol {protocol}, the stable revision does: {fault}"

"""The private names of onnxruntime: what it raises is not public, and derives from Exception."""


def faults() -> tuple[type[Exception], ...]:
    """Return the exceptions of a model that does not load, or of tensors that do not fit it."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.EPFail,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoModel,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )

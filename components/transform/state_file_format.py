"""States of accumulators as files that tell whether they are whole, and that run no code.

A file is the SHA-256 of what follows, a line end, and a compressed pickle. Pickles keep states to
the last bit, which TFT's own coders of its cache do not; whoever may write them could run code
where they are read, so no more is loaded than the classes that states are made of.
"""

import hashlib
import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

CLASSES = {
    ("collections", "Counter"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("tensorflow_transform.analyzers", "_LMomentsAccumulator"),
    ("tensorflow_transform.analyzers", "_WeightedMeanAndVarAccumulator"),
    ("tfx_bsl.cc.tfx_bsl_extension.sketches", "KmvSketch"),
    ("tfx_bsl.cc.tfx_bsl_extension.sketches", "MisraGriesSketch"),
    ("tfx_bsl.cc.tfx_bsl_extension.sketches", "QuantilesSketch"),
}
COMPRESSION = "zstd"


class DamagedError(Exception):
    """A file is not what `write` wrote; `str` says in what."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in CLASSES:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which no state does")
        return super().find_class(module, name)


def write(path: Path, states: Sequence[Any]) -> None:
    """Write the states of one partition, which `read` can read.

    Raises:
        DamagedError: a state is of a class that `read` refuses.
    """
    data = pickle.dumps(list(states), protocol=5)
    _unpickled(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, COMPRESSION) as stream:
        stream.write(data)
    packed = sink.getvalue().to_pybytes()
    path.write_bytes(_digest(packed) + b"\n" + packed)


def read(path: Path) -> list[Any]:
    """Return the states that were written, equal to the last bit.

    Raises:
        DamagedError: the file is damaged, or something else.
    """
    digest, _, packed = path.read_bytes().partition(b"\n")
    if digest != _digest(packed):
        raise DamagedError("its bytes are not those that were written")
    try:
        with pa.CompressedInputStream(pa.BufferReader(packed), COMPRESSION) as stream:
            data = stream.read()
    except OSError as error:
        raise DamagedError(str(error)) from error
    return _unpickled(data)


def _digest(packed: bytes) -> bytes:
    return hashlib.sha256(packed).hexdigest().encode()


def _unpickled(data: bytes) -> list[Any]:
    try:
        states = _Unpickler(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise DamagedError(str(error)) from error
    if not isinstance(states, list):
        raise DamagedError(f"it holds a {type(states).__name__}, not states")
    return states

"""A model of any framework here: arrays by feature in, arrays by output out."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Inputs
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks.model_files import ModelFiles

OUTPUT = "output-0"
"""What KServe's Python servers call the one output of a model."""
INPUT = "input-0"
"""What their users call the one input; the servers take any name."""
LIBRARY_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.PickleError,
)
"""What a library raises of a file that it cannot load, or of rows that it cannot take."""


class PredictionError(DataError):
    """The model failed on rows, or the rows do not fit it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixModel:
    """A model that takes one matrix of rows and gives one array of answers.

    Attributes:
        predict: what a server of KServe calls: shape (rows, features) to (rows, ...).
        features: names that the file itself has for the columns, () for none.
        width: how many columns it takes, 0 where it does not say.
        classes: what its probabilities are of, in their order; None where it answers none.
    """

    predict: "MatrixFunction"
    features: tuple[str, ...] = ()
    width: int = 0
    classes: tuple[Any, ...] | None = None


class MatrixFunction(Protocol):
    """The prediction of a matrix model."""

    def __call__(self, rows: Any, /) -> Array:
        """Return one answer a row.

        Raises:
            PredictionError: the model fails on the rows.
        """


class ArrayModel(Protocol):
    """A loaded model as steps call it.

    Attributes:
        files: where it lies.
        inputs: what a row holds, by feature; in the order of the matrix where it takes one.
        matrix: name of the one tensor that holds all inputs; "" where each is one of its own.
        classes: as `MatrixModel` has them.
    """

    files: ModelFiles
    inputs: Inputs
    matrix: str
    classes: tuple[Any, ...] | None

    @property
    def outputs(self) -> Mapping[str, Tensor]:
        """What it answers, by name."""

    def answers(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name for one array an input, each with one entry a row.

        Raises:
            PredictionError: the model fails on the rows.
        """


def matrix_of(feed: Mapping[str, Array], inputs: Inputs, dtype: np.dtype[Any]) -> Array:
    """Return columns as a matrix of shape (rows, inputs), in the order of the inputs."""
    return np.column_stack([feed[name].reshape(-1) for name in inputs]).astype(dtype)


def tensor_of(values: Array) -> Tensor:
    """Return what is told of an output, from an answer."""
    dtype = "string" if values.dtype.kind in "OUS" else values.dtype.name
    return Tensor(dtype=dtype, shape=(None, *values.shape[1:]))


def dtype_of(tensor: Tensor) -> np.dtype[Any]:
    """Return the type of an array that holds the tensor; texts are objects."""
    return np.dtype(object if tensor.dtype == "string" else tensor.dtype)

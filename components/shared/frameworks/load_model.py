"""Loads a model of any framework here as arrays by feature."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Input, Inputs
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import (
    feature_signature,
    lightgbm_model,
    sklearn_model,
    xgboost_model,
)
from kanaria.components.shared.frameworks.array_model import (
    INPUT,
    OUTPUT,
    ArrayModel,
    MatrixModel,
    PredictionError,
    matrix_of,
    tensor_of,
)
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature
from kanaria.components.shared.frameworks.model_files import Framework, ModelFiles
from kanaria.components.shared.frameworks.onnx_model import OnnxModel


def load(files: ModelFiles) -> ArrayModel:
    """Return a model that answers arrays by feature.

    Args:
        files: of no SavedModel, which TensorFlow loads.

    Raises:
        DataError: it does not load, or nothing names the columns of its matrix.
    """
    signature = feature_signature.read(_beside(files))
    if files.framework is Framework.ONNX:
        return OnnxColumns(files, OnnxModel(files.file), signature)
    return MatrixColumns(files, matrix_model(files, signature), signature)


def matrix_model(files: ModelFiles, signature: FeatureSignature) -> MatrixModel:
    """Return a scikit-learn, XGBoost or LightGBM model as its server asks it.

    Raises:
        DataError: it does not load, or it is of TorchScript, which is not run here.
    """
    if files.framework is Framework.SKLEARN:
        return sklearn_model.load(files.file, probabilities=signature.probabilities is not False)
    if files.framework is Framework.LIGHTGBM:
        return lightgbm_model.load(files.file)
    if files.framework is Framework.PYTORCH:
        raise DataError(
            f"{files.file}: TorchScript is served by Triton on a cluster and run nowhere else; "
            "export the model to ONNX (torch.onnx.export)"
        )
    return xgboost_model.load(files.file)


def _beside(files: ModelFiles) -> Any:
    """Return the folder that the signature lies in: of ONNX above the version's."""
    numbered = files.framework is Framework.ONNX and files.file.parent.name.isdecimal()
    return files.file.parent.parent if numbered else files.file.parent


class MatrixColumns:
    """A matrix model by the names of its columns; see `ArrayModel`."""

    def __init__(self, files: ModelFiles, model: MatrixModel, signature: FeatureSignature) -> None:
        """Name the columns.

        Raises:
            DataError: nothing names them, as many as the model does not take, or in another order.
        """
        feature_signature.check_order(model.features, signature.features, str(files.file))
        names = signature.features or model.features
        require_features(files, names, model.width)
        self.files, self.matrix, self.classes = files, INPUT, model.classes
        self._predict, self._dtype = model.predict, np.dtype(signature.dtype)
        self.inputs: Inputs = columns(names, self._dtype)
        self._output: Tensor | None = None

    @property
    def outputs(self) -> Mapping[str, Tensor]:
        """The one output: as it was answered, or as it is to a made-up row."""
        self._output = self._output or tensor_of(self._answer_to_made_up_row())
        return {OUTPUT: self._output}

    def _answer_to_made_up_row(self) -> Array:
        """Return the answer to zeros or ones; an encoder may know one category alone.

        Raises:
            DataError: the model takes neither.
        """
        row = np.zeros((1, len(self.inputs)), self._dtype)
        with suppress(PredictionError):
            return self._predict(row)
        try:
            return self._predict(row + 1)
        except PredictionError as error:
            raise DataError(
                f"{self.files.file}: refuses rows of zeros and of ones, which are asked to learn "
                f"what it answers: {error}; let it take values it does not know"
            ) from error

    def answers(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return the one output; see `ArrayModel`."""
        answers = self._predict(matrix_of(feed, self.inputs, self._dtype))
        self._output = self._output or tensor_of(answers)
        return {OUTPUT: answers}


class OnnxColumns:
    """An ONNX model by its inputs, or by the columns of its one matrix; see `ArrayModel`."""

    def __init__(self, files: ModelFiles, model: OnnxModel, signature: FeatureSignature) -> None:
        """Name the columns where there is one matrix.

        Raises:
            DataError: there is one and nothing names its columns.
        """
        self.files, self._model = files, model
        self.outputs: Mapping[str, Tensor] = model.outputs
        self.classes: tuple[Any, ...] | None = None
        self.matrix = ""
        self.inputs: Inputs = model.inputs
        if (matrix := _only_matrix(model.inputs)) is not None:
            name, wanted = matrix
            width = (wanted.shape or (None, None))[1]
            require_features(files, signature.features, width or 0)
            self.matrix, self._dtype = name, wanted.dtype
            self.inputs = columns(signature.features, wanted.dtype, (wanted.shape or (None,))[0])

    def answers(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs; see `ArrayModel`."""
        if self.matrix:
            feed = {self.matrix: matrix_of(feed, self.inputs, self._dtype)}
        return self._model.run(feed)


def _only_matrix(inputs: Inputs) -> tuple[str, Input] | None:
    """Return the one input if it holds several numbers a row, None if inputs are features."""
    if len(inputs) != 1:
        return None
    ((name, wanted),) = inputs.items()
    shape = wanted.shape or ()
    of_columns = len(shape) == 2 and shape[1] != 1 and wanted.dtype.kind in "fiu"
    return (name, wanted) if of_columns else None


def columns(names: tuple[str, ...], dtype: np.dtype[Any], rows: int | None = None) -> Inputs:
    """Return the columns of a matrix as inputs; a missing value is NaN where the type has one.

    Args:
        names: of the columns.
        dtype: of the matrix.
        rows: how many it takes, None for any number.
    """
    return {name: Input(dtype=dtype, shape=(rows,), required=dtype.kind != "f") for name in names}


def require_features(files: ModelFiles, names: tuple[str, ...], width: int) -> None:
    """Raise DataError unless each column of the matrix has a name."""
    if names and len(names) == (width or len(names)):
        return
    said = f"{len(names)} features {shown(list(names))}" if names else "nothing"
    raise DataError(
        f"{files.file}: takes {width or 'a number of'} columns and {said} names them; call "
        "kanaria.components.train.arrays.save_model, which names the features in their order"
    )

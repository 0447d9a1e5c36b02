"""A model that answers as KServe's server of its library does: bytes in, bytes out.

scikit-learn, XGBoost and LightGBM.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import feature_signature
from kanaria.components.shared.frameworks.array_model import PredictionError
from kanaria.components.shared.frameworks.load_model import matrix_model
from kanaria.components.shared.frameworks.model_files import Framework, locate
from kanaria.serving.local.predictor.saved_model import ModelError
from kanaria.serving.protocol import array_model_bodies
from kanaria.serving.protocol.array_model_bodies import Rows
from kanaria.serving.protocol.json_body import RequestError

logger = logging.getLogger(__name__)


class KServeModel:
    """One model, loaded.

    Attributes:
        name: of the service.
        version: an integer, as text; such a model has one alone.
    """

    def __init__(
        self, name: str, folder: Path, framework: Framework, *, probabilities: bool
    ) -> None:
        """Load the model and ask it once, so that no client waits for the first call.

        Args:
            name: of the service.
            folder: that its server is given.
            framework: that the service says it is of.
            probabilities: whether a classifier of scikit-learn answers predict_proba.

        Raises:
            DataError: it does not load, or is of another framework.
        """
        files = locate(folder)
        if files.framework is not framework:
            raise DataError(
                f"{files.file}: is of {files.framework}, and the service of {framework}"
            )
        self.name, self.version = name, files.version
        signature = feature_signature.read(folder)
        model = matrix_model(files, replace(signature, probabilities=probabilities))
        self._model = model
        self._takes_text = framework is Framework.SKLEARN
        self._features = signature.features or model.features
        self._width = model.width or len(self._features)
        self._warm_up()

    def _warm_up(self) -> None:
        """A model may refuse zeros; that says nothing about real rows."""
        try:
            if self._width:
                self._model.predict(np.zeros((1, self._width)))
        except PredictionError as error:
            logger.info("the warm-up row was refused: %s", error)

    def predict(self, body: bytes) -> bytes:
        """Return the answer to a request of V1.

        Raises:
            RequestError: the request does not fit the model.
            ModelError: the model fails.
        """
        return array_model_bodies.v1_answer(self._answers(array_model_bodies.v1_rows(body)))

    def infer(self, body: bytes, json_length: int | None) -> tuple[bytes, int | None]:
        """Return the answer to a request of V2, and the length of its JSON if more follows.

        Args:
            body: of the request.
            json_length: bytes of its JSON part, None when it is all JSON.

        Raises:
            RequestError: the request does not fit the model.
            ModelError: the model fails, or answers texts, which KServe's server cannot write in V2.
        """
        request = array_model_bodies.v2_request(body, json_length)
        answers = self._answers(request.rows)
        if answers.dtype.kind == "U":
            raise ModelError(
                "the model answers texts, which KServe's server cannot write in V2; serve it in "
                "V1, or train on numbers"
            )
        return array_model_bodies.v2_answer(request, answers, self.name)

    def metadata(self) -> dict[str, Any]:
        """Return what KServe's server tells in V2: no tensors."""
        return {"name": self.name, "versions": None, "platform": "", "inputs": [], "outputs": []}

    def _answers(self, rows: Rows) -> Array:
        try:
            return self._model.predict(self._input(rows))
        except PredictionError as error:
            raise ModelError(f"the model failed: {error}") from error

    def _input(self, rows: Rows) -> Any:
        """Return rows as the library takes them."""
        is_text = rows.texts is not None or (
            rows.matrix is not None and any(isinstance(one, str) for one in rows.matrix.flat)
        )
        if is_text and not self._takes_text:
            raise RequestError(
                "a row holds text; the model takes numbers, and null for a missing one"
            )
        if rows.texts is not None:
            return list(rows.texts)
        if rows.columns and self._features and rows.columns != self._features:
            raise RequestError(
                f"columns {shown(list(rows.columns))}: send {shown(list(self._features))} in this "
                "order, as KServe's server takes them by place"
            )
        width = 0 if rows.matrix is None else rows.matrix.shape[1]
        if self._width not in (0, width):
            raise RequestError(f"a row has {width} values; the model takes {shown(self._width)}")
        return rows.matrix

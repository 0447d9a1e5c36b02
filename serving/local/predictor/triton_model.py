"""An ONNX model that answers as Triton: bytes in, bytes out, in V2 alone."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks.array_model import PredictionError
from kanaria.components.shared.frameworks.model_files import Framework, locate
from kanaria.components.shared.frameworks.onnx_model import OnnxModel
from kanaria.serving.local.predictor.saved_model import ModelError
from kanaria.serving.protocol import inference_v2
from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.protocol.model_metadata import described
from kanaria.serving.protocol.signature_inputs import example_row

logger = logging.getLogger(__name__)
PLATFORM = "onnxruntime_onnx"


class TritonModel:
    """One model, loaded.

    Attributes:
        name: of the service, and of the model's folder in Triton's repository.
        version: an integer, as text.
    """

    def __init__(self, name: str, repository: Path) -> None:
        """Load the newest version and ask it once.

        Args:
            name: of the service.
            repository: what Triton is given: NAME/<integer>/model.onnx.

        Raises:
            DataError: it does not load, or Triton would serve it by another name.
        """
        files = locate(repository)
        if files.framework is not Framework.ONNX:
            raise DataError(f"{files.file}: is of {files.framework}, and the service of onnx")
        folder = files.file.parent.parent
        if folder.parent != repository or folder.name != name:
            raise DataError(
                f"{files.file}: Triton serves a model by the name of its folder; put it into "
                f"{name}/1/model.onnx, for the service {name}"
            )
        self.name, self.version = name, files.version
        self._model = OnnxModel(files.file)
        try:
            self._model.run(example_row(self._model.inputs))
        except PredictionError as error:
            logger.info("the warm-up row was refused: %s", error)

    def predict(self, body: bytes) -> bytes:
        """Refuse a request of V1, which Triton does not speak."""
        raise RequestError(f"{len(body)} bytes of V1: Triton speaks V2 alone")

    def infer(self, body: bytes, json_length: int | None) -> tuple[bytes, int | None]:
        """Return the answer to a request of V2, and the length of its JSON if more follows.

        Args:
            body: of the request.
            json_length: bytes of its JSON part, None when it is all JSON.

        Raises:
            RequestError: the request does not fit the model.
            ModelError: the model fails.
        """
        request = inference_v2.read(
            body, json_length, self._model.inputs, list(self._model.outputs)
        )
        try:
            outputs = self._model.run(dict(request.feed))
        except PredictionError as error:
            raise ModelError(f"the model failed: {error}") from error
        return inference_v2.answer(request, outputs, self.name, self.version)

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata in the words of V2."""
        types = {"string": np.dtype(object)}
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": PLATFORM,
            "inputs": [
                described(name, one.dtype, one.shape) for name, one in self._model.inputs.items()
            ],
            "outputs": [
                described(name, types.get(one.dtype) or np.dtype(one.dtype), one.shape)
                for name, one in self._model.outputs.items()
            ],
        }

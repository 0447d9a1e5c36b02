"""KServe's Python server with a SavedModel, as a person writes a custom predictor.

Usage: kserve_server.py MODEL_FOLDER PORT
"""

import sys
from typing import Any

import kserve
import tensorflow as tf


class SavedModel(kserve.Model):
    """Answers V1 requests with the signature serving_default."""

    def __init__(self, folder: str) -> None:
        """Load the model."""
        super().__init__("bench")
        self.signature = tf.saved_model.load(folder).signatures["serving_default"]
        self.ready = True

    def predict(self, payload: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Return one prediction for each instance."""
        rows = tf.constant(payload["instances"], tf.float32)
        return {"predictions": next(iter(self.signature(rows).values())).numpy().tolist()}


if __name__ == "__main__":
    kserve.ModelServer(
        http_port=int(sys.argv[2]), enable_grpc=False, workers=1, access_log_format=None
    ).start([SavedModel(sys.argv[1])])

"""One revision's predictor: kserve's model server over a SavedModel, as TF Serving answers.

Usage: python -m kanaria.serving.local.predictor --model-dir DIR --name NAME --port N --protocol v1
"""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import kserve
import numpy as np
import tensorflow as tf
from kserve.errors import InvalidInput
from kserve.logging import KSERVE_LOG_CONFIG

from kanaria.serving.local import tensors

PR_SET_PDEATHSIG = 1
DEFAULT_SIGNATURE = "serving_default"


def newest_version(model_dir: Path) -> Path:
    """Return the folder of the highest version below a model's parent folder.

    Raises:
        FileNotFoundError: no folder with an integer name holds a `saved_model.pb`.
    """
    versions = [path.parent for path in model_dir.glob("[0-9]*/saved_model.pb")]
    if not versions:
        raise FileNotFoundError(f"{model_dir}: no servable version: <integer>/saved_model.pb")
    return max(versions, key=lambda path: int(path.name))


class SavedModel(kserve.Model):
    """Loads a SavedModel once and answers each request by one call of it."""

    def __init__(self, name: str, model_dir: Path, protocol: str) -> None:
        """Name the model; `load` reads it."""
        super().__init__(name)
        self._model_dir, self._protocol = model_dir, protocol
        self._signatures: dict[str, Any] = {}

    def load(self) -> bool:
        """Load the newest version."""
        self._loaded = tf.saved_model.load(str(newest_version(self._model_dir)))
        self._signatures = dict(self._loaded.signatures)
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """Answer a V1 dictionary or a V2 InferRequest.

        Raises:
            InvalidInput: the request does not fit the signature, or is of the other protocol.
        """
        protocol = "v1" if isinstance(payload, dict) else "v2"
        if protocol != self._protocol:
            raise InvalidInput(f"this model speaks protocol {self._protocol}, not {protocol}")
        try:
            return self._v1(payload) if protocol == "v1" else self._v2(payload)
        except tensors.RequestError as error:
            raise InvalidInput(str(error)) from error

    def _signature(self, name: str) -> Any:
        if name not in self._signatures:
            raise tensors.RequestError(
                f"signature_name {name!r}: unknown; there are {sorted(self._signatures)}"
            )
        return self._signatures[name]

    def _call(self, signature: Any, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        arguments = {name: tf.constant(values) for name, values in feed.items()}
        try:
            outputs = signature(**arguments)
        except tf.errors.InvalidArgumentError as error:
            raise tensors.RequestError(error.message.splitlines()[0]) from error
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    def _v1(self, payload: dict[str, Any]) -> dict[str, Any]:
        signature = self._signature(payload.get("signature_name", DEFAULT_SIGNATURE))
        feed = tensors.from_instances(payload.get("instances"), tensors.inputs_of(signature))
        return {"predictions": tensors.to_rows(self._call(signature, feed))}

    def _v2(self, request: Any) -> Any:
        signature = self._signature(DEFAULT_SIGNATURE)
        given = {tensor.name: tensor.as_numpy() for tensor in request.inputs}
        outputs = self._call(signature, tensors.from_named(given, tensors.inputs_of(signature)))
        found = []
        for name, values in outputs.items():
            datatype = tensors.datatype(values)
            output = kserve.InferOutput(name=name, shape=list(values.shape), datatype=datatype)
            output.set_data_from_numpy(values, binary_data=False)
            found.append(output)
        return kserve.InferResponse(
            response_id=request.id, model_name=self.name, infer_outputs=found
        )


def _die_with_parent() -> None:
    """Ask the kernel to end this process with the server, even if that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Load the model, then serve it; exit with 1 and the cause as last line if it fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", choices=["v1", "v2"], required=True)
    options = parser.parse_args()
    _die_with_parent()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = SavedModel(options.name, options.model_dir, options.protocol)
    try:
        model.load()
    except (OSError, ValueError, tf.errors.OpError) as error:
        sys.exit(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
    for noisy in ("kserve.trace", "uvicorn.access"):  # Two lines a request halve the rate.
        KSERVE_LOG_CONFIG["loggers"][noisy]["level"] = "WARNING"
    server = kserve.ModelServer(
        http_port=options.port,
        enable_grpc=False,
        enable_latency_logging=False,
        access_log_format=None,
        workers=1,
    )
    server.start([model])


if __name__ == "__main__":
    main()

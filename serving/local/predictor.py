"""One revision's predictor: kserve's model server over a SavedModel, as TF Serving answers.

TensorFlow and kserve take about ten seconds to import, so `predictor_host` imports this module
once and forks a predictor from it in milliseconds.
"""

import logging
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kserve
import numpy as np
import tensorflow as tf
from kserve.errors import InvalidInput

from kanaria.components.shared.errors import shown
from kanaria.components.shared.model_inputs import (
    Array,
    Input,
    inputs_of,
    optional_inputs,
    shape_of,
)
from kanaria.components.shared.tensorflow_reason import reason
from kanaria.serving.local import tensors

logger = logging.getLogger(__name__)
DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
    """What one predictor serves: model's parent folder, service name, port, "v1" or "v2"."""

    model_dir: str
    name: str
    port: int
    protocol: str


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
        self._inputs: dict[str, dict[str, Input]] = {}

    def load(self) -> bool:
        """Load the newest version and call it once, so that no client waits for the first call."""
        self._loaded = tf.saved_model.load(str(newest_version(self._model_dir)))
        self._signatures = dict(self._loaded.signatures)
        # Only what the model says may be missing may be.
        optional = {DEFAULT_SIGNATURE: optional_inputs(self._loaded)}
        self._inputs = {
            name: inputs_of(signature, optional.get(name) or frozenset())
            for name, signature in self._signatures.items()
        }
        default = self._signatures.get(DEFAULT_SIGNATURE)
        if default is not None:
            self._warm_up(default)
        self.ready = True
        return self.ready

    def _warm_up(self, signature: Any) -> None:
        """A model may refuse zeros and empty texts; that says nothing about real rows."""
        try:
            self._call(signature, tensors.example_row(self._inputs[DEFAULT_SIGNATURE]))
        except (tensors.RequestError, tf.errors.OpError) as error:
            logger.info("the warm-up row was refused: %s", error)

    def get_input_types(self) -> list[dict[str, Any]]:
        """Describe the inputs in the Open Inference Protocol's words."""
        inputs = self._inputs.get(DEFAULT_SIGNATURE, {})
        return [tensors.described(name, item.dtype, item.shape) for name, item in inputs.items()]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Describe the outputs in the Open Inference Protocol's words."""
        outputs = self._signature(DEFAULT_SIGNATURE).structured_outputs
        return [
            tensors.described(name, np.dtype(spec.dtype.as_numpy_dtype), shape_of(spec))
            for name, spec in outputs.items()
        ]

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """Answer a V1 dictionary or a V2 InferRequest.

        Raises:
            InvalidInput: the request does not fit the signature, or is of the other protocol.
        """
        protocol = "v2" if isinstance(payload, kserve.InferRequest) else "v1"
        if protocol != self._protocol:
            raise InvalidInput(f"this model speaks protocol {self._protocol}, not {protocol}")
        try:
            return self._v1(payload) if protocol == "v1" else self._v2(payload)
        except tensors.RequestError as error:
            raise InvalidInput(str(error)) from error

    def _signature(self, name: Any) -> Any:
        if not isinstance(name, str) or name not in self._signatures:
            raise tensors.RequestError(
                f"signature_name {shown(name)}: unknown; there are {sorted(self._signatures)}"
            )
        return self._signatures[name]

    def _call(self, signature: Any, feed: dict[str, Array]) -> dict[str, Array]:
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        arguments = {
            n: tf.constant(values, kinds.get(values.dtype.kind)) for n, values in feed.items()
        }
        try:
            outputs = signature(**arguments)
        except tf.errors.InvalidArgumentError as error:
            raise tensors.RequestError(reason(error.message)) from error
        return {name: np.asarray(tensor.numpy()) for name, tensor in outputs.items()}

    def _v1(self, payload: Any) -> dict[str, Any]:
        if not isinstance(payload, dict):
            raise tensors.RequestError('the body is not a JSON object {"instances": [row, ...]}')
        name = payload.get("signature_name", DEFAULT_SIGNATURE)
        signature, inputs = self._signature(name), self._inputs[name]
        if "inputs" in payload:
            if "instances" in payload:
                raise tensors.RequestError("send instances or inputs, not both")
            columns = tensors.from_columns(payload["inputs"], inputs)
            return {"outputs": tensors.to_columns(self._call(signature, columns))}
        instances = payload.get("instances")
        feed = tensors.from_instances(instances, inputs)
        rows = len(next(iter(feed.values())))
        return {"predictions": tensors.to_rows(self._call(signature, feed), rows)}

    def _v2(self, request: Any) -> Any:
        signature = self._signature(DEFAULT_SIGNATURE)
        given = {tensor.name: _tensor(tensor) for tensor in request.inputs}
        inputs = self._inputs[DEFAULT_SIGNATURE]
        outputs = self._call(signature, tensors.from_named(given, inputs))
        found = []
        for name, values in outputs.items():
            datatype = tensors.datatype(values.dtype)
            output = kserve.InferOutput(name=name, shape=list(values.shape), datatype=datatype)
            output.set_data_from_numpy(values, binary_data=False)
            found.append(output)
        return kserve.InferResponse(
            response_id=request.id or uuid.uuid4().hex, model_name=self.name, infer_outputs=found
        )


def _tensor(tensor: Any) -> Array:
    """Return a V2 input as an array; `tensors` checks its values, so JSON is not cast here."""
    if not tensors.DATATYPE.fullmatch(tensor.datatype):
        raise tensors.RequestError(f"input {tensor.name!r}: datatype {tensor.datatype!r}: unknown")
    try:
        if tensor.data is None:  # It came in binary form behind the JSON.
            found: Array = tensor.as_numpy()
        else:
            dtype = object if tensor.datatype == "BYTES" else None
            found = np.array(tensor.data, dtype=dtype).reshape(tensor.shape)
    except (ValueError, TypeError, OverflowError, InvalidInput) as error:
        raise tensors.RequestError(
            f"input {tensor.name!r}: data does not fit {tensor.datatype} {tensor.shape}"
        ) from error
    return np.vectorize(_as_bytes, otypes=[object])(found) if found.dtype.kind == "O" else found


def _as_bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a log record is worth keeping: kserve logs a traceback for a client's fault."""
    return record.funcName != "invalid_input_handler"


class LoopbackServer(kserve.ModelServer):
    """kserve's model server, on this machine's own address only."""

    def setup_event_loop(self) -> None:
        """Bind to loopback: kserve has no parameter for the address of its REST server."""
        super().setup_event_loop()
        self._rest_server.config.host = "127.0.0.1"


def run(options: Predictor) -> None:
    """Load the model, then serve it until the process is ended.

    Raises:
        SystemExit: the model does not load; the cause is the last line of the log.
    """
    # The machine is shared by all revisions, the router and the client.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = SavedModel(options.name, Path(options.model_dir), options.protocol)
    try:
        model.load()
    except (OSError, ValueError, TypeError, tf.errors.OpError) as error:
        sys.exit(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
    server = LoopbackServer(
        http_port=options.port,
        enable_grpc=False,
        enable_latency_logging=False,
        access_log_format=None,
        workers=1,
    )
    for name in ("uvicorn.access", "kserve.trace"):
        logging.getLogger(name).disabled = True
    logging.getLogger("kserve").addFilter(_is_ours)
    server.start([model])

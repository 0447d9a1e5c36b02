"""A SavedModel that answers requests: bytes in, bytes out."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts.model_inputs import (
    Array,
    Input,
    inputs_of,
    optional_inputs,
    shape_of,
)
from kanaria.components.shared.artifacts.saved_signature import load_model
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.protocol import inference_v1, inference_v2
from kanaria.serving.protocol.json_body import RequestError, parsed, written
from kanaria.serving.protocol.model_metadata import PLATFORM, described
from kanaria.serving.protocol.signature_inputs import example_row

logger = logging.getLogger(__name__)
DEFAULT_SIGNATURE = "serving_default"
# What TensorFlow Serving answers with a code of the client's, too.
CLIENTS_FAULTS = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)


class ModelError(DataError):
    """The model failed on a request that fits it."""


def newest_version(model_dir: Path) -> Path:
    """Return the folder of the highest version below a model's parent folder.

    Raises:
        FileNotFoundError: no folder with an integer name holds a `saved_model.pb`.
    """
    versions = [path.parent for path in model_dir.glob("[0-9]*/saved_model.pb")]
    if not versions:
        raise FileNotFoundError(f"{model_dir}: no servable version: <integer>/saved_model.pb")
    return max(versions, key=lambda path: int(path.name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A function of the model, and what it takes."""

    function: Any
    inputs: dict[str, Input]

    def call(self, feed: dict[str, Array]) -> dict[str, Array]:
        """Return the outputs by name.

        Raises:
            RequestError: the model refuses the values.
            ModelError: the model fails.
        """
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        arguments = {
            name: tf.constant(values, kinds.get(values.dtype.kind)) for name, values in feed.items()
        }
        try:
            outputs = self.function(**arguments)
        except CLIENTS_FAULTS as error:
            raise RequestError(exception_cause.message(error)) from error
        except tf.errors.OpError as error:
            raise ModelError(f"the model failed: {exception_cause.summary(error)}") from error
        return {name: _array(tensor.numpy()) for name, tensor in outputs.items()}


def _array(value: Any) -> Array:
    # Of one text alone numpy would make a type of its own, which cuts zero bytes at the end.
    return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)


class SavedModel:
    """One version of a model, loaded.

    Attributes:
        name: of the service.
        version: an integer, as text.
    """

    def __init__(self, name: str, model_dir: Path) -> None:
        """Load the newest version and call it once, so that no client waits for the first call.

        Raises:
            FileNotFoundError: there is no version.
            DataError: it does not load.
        """
        folder = newest_version(model_dir)
        self.name, self.version = name, folder.name
        # What is loaded lives only as long as somebody holds it.
        self._loaded = loaded = load_model(folder, tf)
        # Only what the model says may be missing may be.
        optional = {DEFAULT_SIGNATURE: optional_inputs(loaded)}
        self._signatures = {
            key: Signature(
                function=function, inputs=inputs_of(function, optional.get(key) or frozenset())
            )
            for key, function in loaded.signatures.items()
        }
        if DEFAULT_SIGNATURE in self._signatures:
            self._warm_up(self._signatures[DEFAULT_SIGNATURE])

    def _warm_up(self, signature: Signature) -> None:
        """A model may refuse zeros and empty texts; that says nothing about real rows."""
        try:
            signature.call(example_row(signature.inputs))
        except (RequestError, ModelError) as error:
            logger.info("the warm-up row was refused: %s", error)

    def _signature(self, name: Any) -> Signature:
        if not isinstance(name, str) or name not in self._signatures:
            raise RequestError(
                f"signature_name {shown(name)}: unknown; there are {sorted(self._signatures)}"
            )
        return self._signatures[name]

    def predict(self, body: bytes) -> bytes:
        """Return the answer to a request of V1.

        Raises:
            RequestError: the request does not fit the model.
            ModelError: the model fails.
        """
        document = parsed(body)
        if not isinstance(document, dict):
            raise RequestError('the body is not a JSON object {"instances": [row, ...]}')
        name = document.get("signature_name", DEFAULT_SIGNATURE)
        # TensorFlow Serving takes no name for the default's.
        signature = self._signature(DEFAULT_SIGNATURE if name == "" else name)
        return written(inference_v1.answer(document, signature.inputs, signature.call))

    def infer(self, body: bytes, json_length: int | None) -> tuple[bytes, int | None]:
        """Return the answer to a request of V2, and the length of its JSON if more follows.

        Args:
            body: of the request.
            json_length: bytes of its JSON part, None when it is all JSON.

        Raises:
            RequestError: the request does not fit the model.
            ModelError: the model fails.
        """
        signature = self._signature(DEFAULT_SIGNATURE)
        names = list(signature.function.structured_outputs)
        request = inference_v2.read(body, json_length, signature.inputs, names)
        outputs = signature.call(dict(request.feed))
        return inference_v2.answer(request, outputs, self.name, self.version)

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata in the words of V2."""
        signature = self._signature(DEFAULT_SIGNATURE)
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": PLATFORM,
            "inputs": [
                described(name, item.dtype, item.shape) for name, item in signature.inputs.items()
            ],
            "outputs": [
                described(name, np.dtype(spec.dtype.as_numpy_dtype), shape_of(spec))
                for name, spec in signature.function.structured_outputs.items()
            ],
        }

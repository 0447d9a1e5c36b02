"""Asks the model by HTTP; the only module of a stream that does."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, REVISION_HEADER
from kanaria.serving.protocol.model_metadata import metadata_path, of_inference_protocol
from kanaria.serving.protocol.row_request import predict_path
from kanaria.serving.protocol.tensors import BINARY_ONLY, datatype_named
from kanaria.serving.stream.messages import Row
from kanaria.serving.stream.model_answers import OK, Answer
from kanaria.serving.stream.request_bodies import body
from kanaria.serving.stream.stream_metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request.

    Attributes:
        id: the name that it is remembered by.
        body: in JSON.
        rows: that are asked, in their order.
        headers: of this request alone.
    """

    id: str
    body: bytes
    rows: Sequence[Row] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ModelClient:
    """The model of a stream; its calls may come from several threads."""

    def __init__(
        self,
        address: Callable[[], str],
        name: str,
        protocol: str,
        headers: Mapping[str, str],
        timeout_seconds: float,
        metrics: Metrics,
    ) -> None:
        """Send nothing yet.

        Args:
            address: returns the URL before `/v1` or `/v2`; raises NotReadyError while there is
                none. It is called anew for each request: a local server changes its port.
            name: of the model.
            protocol: "v1" or "v2".
            headers: of each request, such as Host.
            timeout_seconds: until an answer is given up.
            metrics: counts the requests.
        """
        self._metrics = metrics
        self._address, self._name, self._protocol = address, name, protocol
        self._datatypes: Mapping[str, str] = {}
        # Proxies of the environment are for the world outside, the model is inside.
        self._client = httpx.Client(headers=dict(headers), timeout=timeout_seconds, trust_env=False)

    @property
    def protocol(self) -> str:
        """Of the requests, "v1" or "v2"."""
        return self._protocol

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, rows: Sequence[Row]) -> Request:
        """Return the request of some rows.

        Raises:
            RequestError: they do not make one.
        """
        content = body(rows, self._protocol, self._datatypes)
        return Request(id=uuid.uuid4().hex, body=content, rows=rows)

    def ask(self, request: Request) -> Answer:
        """Send a request and return what comes back."""
        own = {"Content-Type": "application/json", REQUEST_ID_HEADER: request.id}
        headers = {**request.headers, **own}
        path, began = predict_path(self._name, self._protocol), time.monotonic()
        answer = self._send("POST", path, request.body, headers)
        self._metrics.count_request(answer.status, time.monotonic() - began)
        return answer

    def is_ready(self) -> Answer:
        """Ask whether the model is ready: status 200 when it is."""
        name = self._name
        path = f"/v1/models/{name}" if self._protocol == "v1" else f"/v2/models/{name}/ready"
        return self._send("GET", path, b"", {})

    def learn(self) -> None:
        """Learn the datatypes of the inputs, for V2; a model that does not tell them has none.

        Raises:
            NotReadyError: an input has no form in JSON.
        """
        if self._protocol == "v1":
            return
        answer = self._send("GET", metadata_path(self._name, "v2"), b"", {})
        try:
            inputs, _ = of_inference_protocol(json.loads(answer.body))
        except (ValueError, KeyError, TypeError):
            return
        datatypes = {name: datatype_named(tensor.dtype) for name, tensor in inputs.items()}
        for name, datatype in datatypes.items():
            if datatype in BINARY_ONLY:
                raise NotReadyError(f"{self._name}: input {name!r} is {datatype}: it has no JSON")
        self._datatypes = datatypes

    def _send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            url = self._address().rstrip("/") + path
            response = self._client.request(method, url, content=content, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL, NotReadyError) as error:
            why = str(error) or type(error).__name__
            return Answer(status=0, body=why.encode())
        return Answer(
            status=response.status_code,
            body=response.content,
            revision=response.headers.get(REVISION_HEADER, ""),
            retry_after=_seconds(response.headers.get("Retry-After", "")),
        )


def is_well(answer: Answer) -> bool:
    """Tell whether the model is ready by its answer to `is_ready`."""
    if answer.status != OK:
        return False
    try:
        document: Any = json.loads(answer.body or b"{}")
    except ValueError:
        return True
    return not isinstance(document, dict) or document.get("ready", True) is not False


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0

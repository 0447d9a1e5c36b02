"""The methods of the Open Inference Protocol's gRPC: a second door to the services.

    ServerLive, ServerReady    as GET /v2/health/live, /v2/health/ready
    ModelReady                 as GET /v2/models/NAME/ready
    ModelMetadata              as GET /v2/models/NAME
    ModelInfer                 as POST /v2/models/NAME/infer, with all tensors in binary form

A message becomes the request of HTTP that asks the same, with the metadata as headers, and is
answered as that is by `service_calls`. `model_version` is `/versions/N` in its path.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from google.protobuf.message import Message
from open_inference.grpc import protocol
from starlette.responses import Response

from kanaria.components.shared.step_images import VERSION
from kanaria.serving.local.controller.service_controller import LiveService
from kanaria.serving.local.router.predictor_client import refuse
from kanaria.serving.local.router.request_bodies import Intake, Refused
from kanaria.serving.local.router.router_health import health
from kanaria.serving.local.router.service_calls import ServiceCalls, call_of
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER
from kanaria.serving.protocol.inference_messages import body_of, body_size, metadata_of, response_of
from kanaria.serving.protocol.json_body import RequestError

Metadata = Sequence[tuple[str, str | bytes]]
P = ParamSpec("P")
T = TypeVar("T")
OF_TRANSPORT = frozenset(
    f"content-encoding content-length content-type host {JSON_LENGTH_HEADER.lower()}".split()
)
"""Metadata that would say something else of a body of HTTP than it is."""
SERVICE = "inference.GRPCInferenceService"
AT_ONCE = 256 << 10
"""Bytes that are converted at once: in some milliseconds."""


class CallError(Exception):
    """A method has no answer.

    Attributes:
        response: what HTTP would answer.
    """

    def __init__(self, response: Response) -> None:
        """Say what HTTP would answer."""
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer and what its headers say in HTTP."""

    message: Message
    headers: Mapping[str, str] = field(default_factory=dict)


class Methods:
    """The methods, by their names in the protocol."""

    def __init__(self, calls: ServiceCalls, intake: Intake) -> None:
        """Answer by what all doors share."""
        self._calls, self._intake = calls, intake
        self._running: set[asyncio.Task[Response]] = set()

    async def close(self) -> None:
        """Wait for no answer any more."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def server_live(self, _request: protocol.ServerLiveRequest, _: Metadata) -> Answer:
        """Tell that the server answers."""
        return Answer(message=protocol.ServerLiveResponse(live=True))

    async def server_ready(self, _request: protocol.ServerReadyRequest, _: Metadata) -> Answer:
        """Tell whether every service answers that is to."""
        response = health("/readyz", self._calls.current_services)
        is_ready = response is not None and response.status_code == 200
        return Answer(message=protocol.ServerReadyResponse(ready=is_ready))

    async def server_metadata(
        self, _request: protocol.ServerMetadataRequest, _: Metadata
    ) -> Answer:
        """Tell which server this is."""
        return Answer(message=protocol.ServerMetadataResponse(name="kanaria", version=VERSION))

    async def model_ready(self, request: protocol.ModelReadyRequest, metadata: Metadata) -> Answer:
        """Tell whether a service answers."""
        live = self._service(request.name, metadata)
        if not request.version:
            return Answer(message=protocol.ModelReadyResponse(ready=live.answers()))
        path = f"{_path(request.name, request.version)}/ready"
        response = await self._looked(live, path, metadata)
        if response.status_code not in (200, 503):
            raise CallError(response)
        return Answer(message=protocol.ModelReadyResponse(ready=response.status_code == 200))

    async def model_metadata(
        self, request: protocol.ModelMetadataRequest, metadata: Metadata
    ) -> Answer:
        """Tell the signature of a service's model."""
        live = self._service(request.name, metadata)
        response = _required(
            await self._looked(live, _path(request.name, request.version), metadata)
        )
        message = metadata_of(json.loads(bytes(response.body)))
        return Answer(message=message, headers=response.headers)

    async def model_infer(self, request: protocol.ModelInferRequest, metadata: Metadata) -> Answer:
        """Ask a service's model."""
        response = _required(await self._lasting(self.inferred(request, metadata)))
        body = bytes(response.body)
        length = int(response.headers.get(JSON_LENGTH_HEADER, len(body)))
        is_raw = bool(request.raw_input_contents)
        message = await _converted(len(body), response_of, body, length, is_raw=is_raw)
        return Answer(message=message, headers=response.headers)

    async def inferred(self, request: protocol.ModelInferRequest, metadata: Metadata) -> Response:
        """Return what HTTP answers to the request that asks what a message asks."""
        live = self._calls.service(request.model_name, _host(metadata))
        if isinstance(live, Response):
            return live
        size = request.ByteSize()
        path = f"{_path(request.model_name, request.model_version)}/infer"
        try:
            # The message and the body are there at the same time.
            with self._intake.held(size), self._intake.held(body_size(request)):
                body, length = await _converted(size, body_of, request)
                headers = [*headers_of(metadata), *_of_body(length)]
                call = call_of("POST", path, headers, body)
                return await self._calls.answer(live, "v2", call)
        except Refused as refused:
            return refused.response
        except RequestError as error:
            call = call_of("POST", path, headers_of(metadata), b"")
            return await self._calls.answer(live, "v2", call, refuse(400, str(error)))

    def _service(self, name: str, metadata: Metadata) -> LiveService:
        live = self._calls.service(name, _host(metadata))
        if isinstance(live, Response):
            raise CallError(live)
        return live

    async def _looked(self, live: LiveService, path: str, metadata: Metadata) -> Response:
        call = call_of("GET", path, headers_of(metadata), b"")
        return await self._calls.answer(live, "v2", call)

    async def _lasting(self, answering: Coroutine[Any, Any, Response]) -> Response:
        """Wait for an answer; it is counted even when the client waits no longer.

        A model that is slower than the deadlines of its clients would count as if nobody had asked.
        """
        task = asyncio.create_task(answering)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _required(response: Response) -> Response:
    if response.status_code != 200:
        raise CallError(response)
    return response


def _path(name: str, version: str) -> str:
    path = f"/v2/models/{quote(name, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


def _host(metadata: Metadata) -> str:
    return next((str(value) for key, value in metadata if key == "host"), "")


def headers_of(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Return metadata as headers of HTTP; those that are no text have no header there."""
    return [
        (key.encode(), value.encode())
        for key, value in metadata
        if isinstance(value, str) and key not in OF_TRANSPORT
    ]


def _of_body(json_length: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that describe a body with binary data."""
    length = str(json_length).encode()
    return (
        (b"content-type", b"application/octet-stream"),
        (JSON_LENGTH_HEADER.lower().encode(), length),
    )


async def _converted(size: int, convert: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a conversion of so many bytes returns; a large one runs beside the loop."""
    if size <= AT_ONCE:
        return convert(*args, **kwargs)
    return await asyncio.to_thread(convert, *args, **kwargs)

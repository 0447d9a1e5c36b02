"""Serves the Open Inference Protocol over gRPC, within the bounds that HTTP has.

    a message, decompressed     RESOURCE_EXHAUSTED above what a body may have
    a message's time            DEADLINE_EXCEEDED after 60 s
    metadata                    64 KiB
    calls at a time             1,000; RESOURCE_EXHAUSTED beyond
    connections                 1,000, or as many as files may be open; further ones are closed
    an idle connection          closed after 60 s, which clients do not notice

What an answer's headers say in HTTP stands in its initial metadata, and in the trailing metadata of
an error: a client may call again only while it has got no initial ones.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from open_inference.grpc import protocol
from starlette.responses import Response

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.local.router.connection_bounds import IDLE_SECONDS, MOST_HEAD_BYTES
from kanaria.serving.local.router.grpc_methods import SERVICE, Answer, CallError, Metadata, Methods
from kanaria.serving.local.router.predictor_client import refuse
from kanaria.serving.local.router.request_bodies import BODY_SECONDS
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, REVISION_HEADER

GRACE_SECONDS = 5.0
"""For calls that are being answered when the server is told to end, as for HTTP."""
MOST_DETAIL_BYTES = 1000
"""Of an error's text: percent-encoded it has to fit into 8 KiB, or clients see another error."""
STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""Code of HTTP -> that of gRPC for the same error, as KServe's and Triton's servers have it."""
Ask = Callable[[Any, Metadata], Awaitable[Answer]]
Handler = Callable[[Any, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


class GrpcServer:
    """The door, on a port of its own."""

    def __init__(self, methods: Methods, most_message_bytes: int, most_connections: int) -> None:
        """Listen nowhere yet; call it in the event loop that it serves in."""
        self._methods = methods
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # Else two servers would share one port.
                ("grpc.max_receive_message_length", most_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", MOST_HEAD_BYTES),
                ("grpc.absolute_max_metadata_size", MOST_HEAD_BYTES),
                ("grpc.max_allowed_incoming_connections", most_connections),
                ("grpc.max_connection_idle_ms", IDLE_SECONDS * 1000),
            ],
            maximum_concurrent_rpcs=most_connections,
        )
        handlers = {
            name: grpc.stream_unary_rpc_method_handler(_handler(request_type, ask))
            for name, (request_type, ask) in _methods_by_name(methods).items()
        }
        handler = grpc.method_handlers_generic_handler(SERVICE, handlers)
        self._server.add_generic_rpc_handlers((handler,))

    async def start(self, host: str, port: int) -> str:
        """Begin to answer; return the address.

        Args:
            host: address to listen on.
            port: 0 takes a free one.

        Raises:
            NotReadyError: the port is taken.
        """
        try:
            bound_port = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise NotReadyError(
                f"port {port} of {host} cannot be listened on; choose another by --grpc-port"
            ) from error
        await self._server.start()
        return f"{host}:{bound_port}"

    async def stop(self) -> None:
        """Take no call any more, and finish those that are being answered."""
        await self._server.stop(GRACE_SECONDS)
        await self._methods.close()


def _methods_by_name(methods: Methods) -> Mapping[str, tuple[type[Message], Ask]]:
    return {
        "ServerLive": (protocol.ServerLiveRequest, methods.server_live),
        "ServerReady": (protocol.ServerReadyRequest, methods.server_ready),
        "ServerMetadata": (protocol.ServerMetadataRequest, methods.server_metadata),
        "ModelReady": (protocol.ModelReadyRequest, methods.model_ready),
        "ModelMetadata": (protocol.ModelMetadataRequest, methods.model_metadata),
        "ModelInfer": (protocol.ModelInferRequest, methods.model_infer),
    }


def _handler(request_type: type[Message], ask: Ask) -> Handler:
    """Return what answers a call; it reads the one message itself, so that its time is bounded."""

    async def handle(_: Any, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        try:
            request = request_type.FromString(await _message(context))
            answer = await ask(request, context.invocation_metadata() or ())
        except CallError as error:
            return await _abort(context, error.response)
        except DecodeError as error:
            return await _abort(context, refuse(400, f"no {request_type.__name__}: {error}"))
        await context.send_initial_metadata(_metadata(answer.headers))
        return answer.message.SerializeToString()

    return handle


async def _message(context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            message = await context.read()
    except TimeoutError as error:
        why = f"the message did not come in {BODY_SECONDS:.0f} s"
        raise CallError(refuse(408, why)) from error
    if not isinstance(message, bytes):  # One that is too large was refused already.
        raise CallError(refuse(400, "the call has no message"))
    return message


async def _abort(context: "grpc.aio.ServicerContext[bytes, bytes]", response: Response) -> Any:
    context.set_trailing_metadata(_metadata(response.headers))
    details = _why(bytes(response.body)).encode()[:MOST_DETAIL_BYTES].decode("utf-8", "ignore")
    code = STATUS.get(response.status_code, grpc.StatusCode.UNKNOWN)
    await context.abort(code, details)


def _why(body: bytes) -> str:
    """Return what an error's body says; uvicorn writes plain text for a predictor that fails."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")


def _metadata(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    names = (REVISION_HEADER.lower(), REQUEST_ID_HEADER.lower())
    return tuple((name, headers[name]) for name in names if name in headers)

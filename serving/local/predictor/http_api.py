"""The HTTP side of a predictor: paths, content types, and which code a fault has.

    400   the request does not fit the model           404   another path, model or version
    415   a body that is not plain UTF-8               500   the model failed
    503   every thread is stuck in a call

There is no path to load or unload a model. What the client did wrong is never a 500, and a 500 of
the model's leaves the connection open, so that the next request on it is answered.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanaria.components.shared.errors import shown
from kanaria.serving.local.predictor.model_calls import Calls
from kanaria.serving.local.predictor.saved_model import ModelError
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER, REQUEST_ID_HEADER
from kanaria.serving.protocol.content_type import unreadable
from kanaria.serving.protocol.json_body import RequestError, json_length, written

logger = logging.getLogger(__name__)
_Answer = bytes | tuple[bytes, int | None]
"""A body, with the length of its JSON where binary data follows it."""


class Model(Protocol):
    """What is asked: a loaded model."""

    name: str
    version: str

    def predict(self, body: bytes) -> bytes:
        """Return the answer to a request of V1."""

    def infer(self, body: bytes, json_length: int | None) -> tuple[bytes, int | None]:
        """Return the answer to a request of V2, and the length of its JSON if more follows."""

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata in the words of V2."""


def application(model: Model, protocol: str, calls: Calls) -> Starlette:
    """Return the ASGI application of a model.

    Args:
        model: that answers.
        protocol: "v1" or "v2": which requests it answers.
        calls: on whose threads the model is called.
    """
    answers = _Answers(model, calls)
    routes = []
    # The version that is loaded may be named; there is no other.
    for version in ("", f"/versions/{model.version}"):
        v1, v2 = f"/v1/models/{model.name}{version}", f"/v2/models/{model.name}{version}"
        inference = Route(f"{v1}:predict", answers.predict, methods=["POST"])
        if protocol == "v2":
            inference = Route(f"{v2}/infer", answers.infer, methods=["POST"])
        looks = {v1: answers.ready, f"{v2}/ready": answers.ready, v2: answers.metadata}
        routes += [inference, *(Route(path, look, methods=["GET"]) for path, look in looks.items())]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


class _Answers:
    def __init__(self, model: Model, calls: Calls) -> None:
        self._model, self._calls = model, calls

    async def predict(self, request: Request) -> Response:
        return await self._answered(request, self._model.predict)

    async def infer(self, request: Request) -> Response:
        return await self._answered(
            request,
            lambda body: self._model.infer(
                body, json_length(request.headers.get(JSON_LENGTH_HEADER))
            ),
        )

    async def _answered(self, request: Request, ask: Callable[[bytes], _Answer]) -> Response:
        why = unreadable(
            request.headers.get("content-type", ""), request.headers.get("content-encoding", "")
        )
        if why:
            return _error(415, why)
        try:
            answer = await self._calls.run(ask, await request.body())
        except RequestError as error:
            return _error(400, str(error))
        except RecursionError:
            return _error(400, "body: nested too deeply; no tensor has so many axes")
        except ModelError as error:
            request_id = request.headers.get(REQUEST_ID_HEADER, "")
            logger.error("%s", error, extra={"request_id": request_id})
            return _error(500, str(error))
        return _response(answer)

    async def ready(self, _request: Request) -> Response:
        if self._calls.stuck():
            return _error(503, f"{self._model.name}: every call of the model takes too long")
        return _json(200, {"name": self._model.name, "ready": True})

    async def metadata(self, _request: Request) -> Response:
        try:
            return _json(200, self._model.metadata())
        except RequestError as error:  # It has no signature of that name.
            return _error(400, str(error))


def _response(answer: _Answer) -> Response:
    body, length = answer if isinstance(answer, tuple) else (answer, None)
    if length is None:
        return Response(body, media_type="application/json")
    return Response(
        body, media_type="application/octet-stream", headers={JSON_LENGTH_HEADER: str(length)}
    )


def _json(code: int, value: object) -> Response:
    return Response(written(value), code, media_type="application/json")


def _error(code: int, why: str) -> Response:
    return _json(code, {"error": why})


async def _refused(request: Request, error: Exception) -> Response:
    """Say in JSON what starlette found: no such path, or not by this method."""
    code = error.status_code if isinstance(error, HTTPException) else 500
    return _error(code, f"{request.method} {shown(request.url.path)}: not served here")

"""The HTTP side of an explainer: paths, and which code a fault has.

    400   the request is wrong            404   another path or model
    413   a larger body                   500   the model draws numbers, or answers no finite one
    502   the predictor does not answer   503   too many wait already, or there is no background
    504   it takes longer than the time limit

One explanation is computed at a time, on a thread of its own; a few wait.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanaria.components.shared.errors import DataError, KanariaError, NotReadyError
from kanaria.serving.explainer import explanations
from kanaria.serving.explainer.explain_request import Limits
from kanaria.serving.explainer.explanations import Target
from kanaria.serving.explainer.predictor_calls import PredictorError, TimeLimitError
from kanaria.serving.protocol.json_body import RequestError, parsed, written

logger = logging.getLogger(__name__)
MOST_WAITING = 8
MOST_BODY_BYTES = 16 * 2**20
TargetOf = Callable[[str, Mapping[str, str]], Target | None]
"""Name of the model and headers of the request -> the model, None where it is not served."""


class BusyError(NotReadyError):
    """Too many explanations wait."""


class _TooLargeError(KanariaError):
    """The body is larger than is taken."""


def code_of(error: KanariaError) -> int:
    """Return the code of HTTP that says what went wrong."""
    if isinstance(error, PredictorError):
        return error.code
    codes: tuple[tuple[type[KanariaError], int], ...] = (
        (RequestError, 400),
        (_TooLargeError, 413),
        (TimeLimitError, 504),
        (DataError, 500),
        (NotReadyError, 503),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), 500)


def application(target_of: TargetOf, limits: Limits) -> Starlette:
    """Return the ASGI application of an explainer.

    Args:
        target_of: finds the model of a request.
        limits: what a request may cost.
    """
    server = _Explainer(target_of, limits)
    return Starlette(
        routes=[
            Route("/v1/models/{name}:explain", server.explain, methods=["POST"]),
            Route("/v1/models/{name}", server.ready, methods=["GET"]),
            Route("/healthz", server.ready, methods=["GET"]),
        ]
    )


class _Explainer:
    def __init__(self, target_of: TargetOf, limits: Limits) -> None:
        self._target_of, self._limits = target_of, limits
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._waiting = 0

    async def ready(self, request: Request) -> Response:
        name = request.path_params.get("name", "")
        return _json(200, {"name": name, "ready": True})

    async def explain(self, request: Request) -> Response:
        try:
            body = await _body(request)
            return _json(200, await self._queued(request, body))
        except RecursionError:
            return _json(400, {"error": "body: nested too deeply"})
        except KanariaError as error:
            code = code_of(error)
            if code >= 500:
                logger.warning("%s", error)
            return _json(code, {"error": str(error)})

    async def _queued(self, request: Request, body: bytes) -> dict[str, Any]:
        if self._waiting > MOST_WAITING:
            raise BusyError(f"{self._waiting} explanations wait already; ask again later")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._explained, request.path_params["name"], request.headers, body
            )
        finally:
            self._waiting -= 1

    def _explained(self, name: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        target = self._target_of(name, headers)
        if target is None:
            raise PredictorError(f"model {name!r}: not served here", 404)
        return explanations.answer(parsed(body), target, self._limits)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise _TooLargeError(f"body: larger than {MOST_BODY_BYTES} bytes; send fewer instances")
        parts.append(part)
    return b"".join(parts)


def _json(code: int, value: object) -> Response:
    return Response(written(value), code, media_type="application/json")

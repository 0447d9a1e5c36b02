"""The process beside a predictor on a cluster: features in, the predictor's answer out.

    POST /v1/models/NAME:predict   is asked of the predictor with the features of its rows
    POST /v2/models/NAME/infer     so, too, with a tensor a feature
    GET  /healthz                  for probes
    any other                      is handed on as it came

Codes: 400 a request that names no entities, 503 features without a value (see `lookup`), 504 a
predictor that does not answer in time.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp
import yarl
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_settings import FeatureSettings
from kanaria.serving.features.input_memory import InputMemory
from kanaria.serving.features.lookup import Lookup, Question, Refusal, question
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER

HOP_BY_HOP = frozenset(
    b"connection host keep-alive te trailer transfer-encoding upgrade content-length".split()
)
TIMEOUT_SECONDS = 60.0
"""For the predictor, as KServe starts TensorFlow Serving."""
Headers = list[tuple[str, str]]


class Transformer:
    """The ASGI application."""

    def __init__(self, settings: FeatureSettings, predictor: str) -> None:
        """Hand on to a predictor.

        Args:
            settings: where features come from.
            predictor: its host, with a port where it is not 80.
        """
        self._settings, self._predictor = settings, predictor
        self._lookup = Lookup()
        self._memory = InputMemory(takes_null=False)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self._lookup.close()
        if self._session is not None:
            await self._session.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return  # Nobody is left to answer.
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = str(request.scope["raw_path"].decode("ascii"))
        if path in ("/", "/healthz"):
            return PlainTextResponse("ok\n")
        body = await request.body()
        headers = _passed_on(request.scope["headers"])
        target = question(request.method, path)
        if target is None:
            return await self._handed_on(request, path, headers, body)
        length = request.headers.get(JSON_LENGTH_HEADER, "")
        joined = await self._lookup.joined(
            target.protocol,
            body,
            length,
            self._settings,
            lambda: self._expected(target),
        )
        if isinstance(joined, Refusal):
            return JSONResponse({"error": joined.why}, status_code=joined.code)
        headers = [pair for pair in headers if pair[0] != JSON_LENGTH_HEADER.lower()]
        if joined.json_length is not None:
            headers.append((JSON_LENGTH_HEADER, str(joined.json_length)))
        answer = await self._handed_on(request, path, headers, joined.body)
        self._memory.note_code(target.metadata_path, answer.status_code)
        return answer

    async def _expected(self, target: Question) -> ExpectedInputs:
        path = target.metadata_path

        async def ask() -> tuple[int, bytes]:
            answer = await self._answer_of_predictor("GET", path, [], b"")
            return answer.status_code, bytes(answer.body)

        return await self._memory.expected(path, target.protocol, ask)

    async def _handed_on(
        self, request: Request, path: str, headers: Headers, body: bytes
    ) -> Response:
        query = request.url.query
        whole = f"{path}{'?' if query else ''}{query}"
        return await self._answer_of_predictor(request.method, whole, headers, body)

    async def _answer_of_predictor(
        self, method: str, path: str, headers: Headers, body: bytes
    ) -> Response:
        url = yarl.URL(f"http://{self._predictor}{path}", encoded=True)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                try:
                    return await self._ask(method, url, headers, body)
                except aiohttp.ServerDisconnectedError:
                    # A kept connection that was closed meanwhile; nobody has seen the request.
                    return await self._ask(method, url, headers, body)
        except TimeoutError:
            why = f"the predictor gave no answer in {TIMEOUT_SECONDS:.0f} s"
            return JSONResponse({"error": why}, status_code=504)
        except aiohttp.ClientError as error:
            why = f"the predictor does not answer: {type(error).__name__}"
            return JSONResponse({"error": why}, status_code=503)

    async def _ask(self, method: str, url: yarl.URL, headers: Headers, body: bytes) -> Response:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        async with self._session.request(
            method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            response = Response(await answer.read(), answer.status)
        response.raw_headers.extend(
            (key.lower(), value)
            for key, value in answer.raw_headers
            if key.lower() not in HOP_BY_HOP and key.lower() not in (b"date", b"server")
        )
        return response


def _passed_on(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [
        (key.decode("latin-1"), value.decode("latin-1"))
        for key, value in headers
        if key not in HOP_BY_HOP
    ]

"""Looks the features of a request up: the one door for the transformer and for local serving."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.features import feature_rows, feature_tensors, store_answer
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_rows import FeatureError, Value
from kanaria.serving.features.feature_settings import DEFAULTS, FeatureSettings
from kanaria.serving.protocol import json_body
from kanaria.serving.protocol.json_body import RequestError

log = logging.getLogger(__name__)
PATH = "/get-online-features"
LONGEST_CAUSE = 160
PREDICT = re.compile(r"(?P<model>/v1/models/[^/:]+(/versions/[0-9]+)?):predict")
INFER = re.compile(r"(?P<model>/v2/models/[^/:]+(/versions/[0-9]+)?)/infer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A request for predictions.

    Attributes:
        protocol: "v1" or "v2".
        metadata_path: where the model's server tells its inputs.
    """

    protocol: str
    metadata_path: str


def question(method: str, path: str) -> Question | None:
    """Return what a request asks, None where it asks for no predictions and gets no features."""
    if method != "POST":
        return None
    path = path.partition("?")[0]
    if match := PREDICT.fullmatch(path):
        return Question(protocol="v1", metadata_path=f"{match['model']}/metadata")
    if match := INFER.fullmatch(path):
        return Question(protocol="v2", metadata_path=match["model"])
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """A request's body with features, and the length of its JSON where binary data follows it."""

    body: bytes
    json_length: int | None = None


Expected = Callable[[], Awaitable[ExpectedInputs]]


class UnreachableError(Exception):
    """The feature server gave no answer in time, or none that is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a request does not reach the model.

    Attributes:
        code: 400 where the request is wrong, 503 where features have no value.
        why: for the client.
    """

    code: int
    why: str


class Lookup:
    """The connections to feature servers."""

    def __init__(self) -> None:
        """Open none yet."""
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def joined(
        self, protocol: str, body: bytes, length: str, settings: FeatureSettings, expected: Expected
    ) -> Joined | Refusal:
        """Return a request's body with the features of its rows, or why there is none.

        Args:
            protocol: "v1" or "v2".
            body: of the request.
            length: what its header of the JSON's length says, "" where it has none.
            settings: of the service.
            expected: asks the model's server for its inputs.
        """
        try:
            if protocol == "v2":
                return await self._tensors(body, length, settings, expected)
            document = json_body.parsed(body)
            entities = feature_rows.entities(document, settings)
            features = await self._features(entities, settings)
            row_request = feature_rows.with_features(document, features, settings, await expected())
            return Joined(body=json_body.written(row_request))
        except (RequestError, RecursionError) as error:
            return Refusal(code=400, why=str(error))
        except (FeatureError, DataError) as error:
            return Refusal(code=503, why=str(error))

    async def _tensors(
        self, body: bytes, length: str, settings: FeatureSettings, expected: Expected
    ) -> Joined:
        request = feature_tensors.read(body, json_body.json_length(length or None))
        entities = feature_tensors.entities(request, settings)
        features = await self._features(entities, settings)
        joined, json_length = feature_tensors.with_features(
            request, features, settings, await expected()
        )
        return Joined(body=joined, json_length=json_length)

    async def _features(
        self, entities: Mapping[str, Sequence[Any]], settings: FeatureSettings
    ) -> dict[str, list[Value]]:
        rows = len(next(iter(entities.values())))
        # A key of nobody is not asked for: the feature server fails on it, and it has no features.
        named = [row for row in range(rows) if all(v[row] is not None for v in entities.values())]
        if not named:
            return _nothing(rows, settings, "missing")
        wanted = {name: [values[row] for row in named] for name, values in entities.items()}
        try:
            answer = await self._ask(store_answer.query(wanted, settings), settings)
        except UnreachableError as error:
            log.warning("feature server %s: %s", settings.url, error)
            if settings.unreachable != DEFAULTS:
                raise FeatureError(f"the feature server does not answer: {error}") from error
            return store_answer.nowhere(rows, settings, "unreachable")
        columns = store_answer.by_feature(answer, len(named), settings, time.time())
        place = {row: number for number, row in enumerate(named)}
        nobody = Value(why="missing")
        return {
            name: [values[place[row]] if row in place else nobody for row in range(rows)]
            for name, values in columns.items()
        }

    async def _ask(self, query: Mapping[str, Any], settings: FeatureSettings) -> Any:
        if self._session is None:
            # No time-out of aiohttp's: one bounds the whole question.
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
            )
        url = f"{settings.url}{PATH}"
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                try:
                    status, text = await _posted(self._session, url, query)
                except aiohttp.ServerDisconnectedError:
                    # A kept connection that was closed meanwhile; the question changes nothing.
                    status, text = await _posted(self._session, url, query)
            if status != 200:
                raise UnreachableError(f"{status}: {shown(text, LONGEST_CAUSE)}")
            return json.loads(text)
        except TimeoutError as error:
            raise UnreachableError(f"no answer in {settings.timeout_seconds:g} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise UnreachableError(f"{type(error).__name__}: {shown(str(error))}") from error


async def _posted(
    session: aiohttp.ClientSession, url: str, query: Mapping[str, Any]
) -> tuple[int, str]:
    async with session.post(url, json=query) as answer:
        return answer.status, await answer.text()


def _nothing(rows: int, settings: FeatureSettings, why: str) -> dict[str, list[Value]]:
    features = store_answer.nowhere(rows, settings, why)
    if getattr(settings, why) != DEFAULTS or not features:
        raise FeatureError(f"row 0: no {' or '.join(settings.entities)}, so no features")
    return features

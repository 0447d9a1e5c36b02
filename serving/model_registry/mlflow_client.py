"""MLflow's REST interface; the only module that sends anything to the server.

One client for one job, which must be over in time. What may pass (no connection, 429, 5xx) is
tried five times, as a store is. A call that makes something is tried again only when the server
cannot have heard of it: whoever made it looks for it first, see `made_once`.

Source: MLflow REST API 2.0; error codes of `mlflow.protos.databricks_pb2`.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlsplit

from kanaria.components.shared.errors import (
    ConflictError,
    DataError,
    KanariaError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    shown,
)
from kanaria.components.shared.storage.retry import ATTEMPTS, pause
from kanaria.serving.browser_requests import is_loopback

if TYPE_CHECKING:  # Most steps track nothing, and load no HTTP client.
    import httpx

LOGGER = logging.getLogger(__name__)
API, ARTIFACTS = "api/2.0/mlflow/", "api/2.0/mlflow-artifacts/artifacts/"
URI, TOKEN = "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"
USERNAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
PASSING = (408, 425, 429, 500, 502, 503, 504)
PATIENCE_SECONDS = 10.0
"""For one answer; the job's end may come sooner."""
MOST_BYTES = 64 * 2**20
"""Of an answer."""
ABSENT, EXISTS = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"
ResultT = TypeVar("ResultT")


class AbsentError(DataError):
    """The server has no such thing."""


class ExistsError(ConflictError):
    """The server has such a thing already."""


class UnansweredError(NotReadyError):
    """No answer in time; whether the server has done what it was asked is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    body: bytes


class MlflowClient:
    """A connection to one server for one job; as a context it is closed at the end."""

    def __init__(
        self, uri: str, seconds: float, environment: Mapping[str, str] = os.environ
    ) -> None:
        """Connect at the first call.

        Args:
            uri: of the server; one below a path of another server is right too.
            seconds: from now until the job must be over.
            environment: of the process, for credentials.
        """
        import httpx

        # It would write each URL into the step's log.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.uri = uri.rstrip("/")
        self._deadline = time.monotonic() + seconds
        headers, auth = credentials(self.uri, environment)
        proxies = not is_loopback(urlsplit(uri).hostname or "")
        self._http = httpx.Client(headers=headers, auth=auth, trust_env=proxies)

    def __enter__(self) -> Self:
        """Return this client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, entry: str = "", **parameters: str | int) -> Any:
        """Return what the server has, or one entry of it; raises as `post` does."""
        return self._entry(self._json("GET", path, params=parameters), path, entry)

    def post(self, path: str, body: Mapping[str, Any], entry: str = "") -> Any:
        """Tell or ask the server something; return the answer, or one entry of it.

        Args:
            path: of the call.
            body: what is told.
            entry: that the answer must have; "" for the whole of it.

        Raises:
            AbsentError, ExistsError: there is no such thing, or there is one already.
            ParameterError: the server refuses the request.
            PermissionDeniedError: the account may not do this, or there is none.
            NotReadyError: the server does not answer.
            DataError: what answers is no MLflow server.
        """
        return self._entry(self._json("POST", path, **_content(body)), path, entry)

    def make(self, path: str, body: Mapping[str, Any], entry: str) -> Any:
        """Post what makes two when it is done twice; see `made_once`, and `post`.

        Raises:
            UnansweredError: whether the server has made it is not known.
        """
        return self._entry(self._json("POST", path, makes=True, **_content(body)), path, entry)

    def delete(self, path: str, body: Mapping[str, Any]) -> None:
        """Let the server delete something; raises as `post` does."""
        self._json("DELETE", path, **_content(body))

    def put_artifact(self, path: str, content: bytes) -> None:
        """Keep a file below the server's folder of artifacts; raises as `post` does."""
        self._call("PUT", f"{ARTIFACTS}{quote(path)}", content=content)

    def made_once(self, find: Callable[[], ResultT | None], make: Callable[[], ResultT]) -> ResultT:
        """Return what is there, or make it; an answer that is lost makes no second one."""
        while True:
            if (there := find()) is not None:
                return there
            try:
                return make()
            except UnansweredError as error:
                LOGGER.warning("%s", error)
                self._rest(0.1, error)
            except ExistsError as error:  # Somebody else was faster.
                if (there := find()) is not None:
                    return there
                raise ConflictError(f"{error}; and it is not to be found") from error

    def _json(self, method: str, path: str, *, makes: bool = False, **options: Any) -> Any:
        answer = self._call(method, f"{API}{path}", makes=makes, **options)
        try:
            document = json.loads(answer.body or b"{}")
        except ValueError:
            document = None
        if not isinstance(document, dict):
            said = shown(answer.body.decode("utf-8", "replace"), 80)
            raise DataError(f"{self.uri}: it answers {said}, which is none of MLflow's answers")
        return document

    def _entry(self, document: Mapping[str, Any], path: str, entry: str) -> Any:
        if not entry:
            return document
        if entry not in document:
            raise DataError(f"{self.uri}: {path}: an answer without {entry}; is it MLflow's?")
        return document[entry]

    def _call(self, method: str, path: str, *, makes: bool = False, **options: Any) -> _Answer:
        import httpx

        attempt = 1
        while True:
            try:
                return self._checked(self._send(method, path, options), path)
            except httpx.HTTPError as error:
                is_heard = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                kind = UnansweredError if is_heard and makes else NotReadyError
                cause: KanariaError = kind(
                    f"{self.uri}: no answer ({shown(str(error) or type(error).__name__)}); is the "
                    "MLflow server up and tracking_uri right?"
                )
            except (httpx.InvalidURL, UnicodeError) as error:
                raise ParameterError(f"tracking_uri={shown(self.uri)}: {error}") from error
            except NotReadyError as error:
                cause = UnansweredError(str(error)) if makes else error
            if isinstance(cause, UnansweredError) or attempt == ATTEMPTS:
                raise cause
            self._rest(pause(attempt), cause)
            attempt += 1

    def _rest(self, seconds: float, cause: KanariaError) -> None:
        """Wait before another try; raise the cause where there is no time for one."""
        if time.monotonic() + seconds >= self._deadline:
            raise cause
        time.sleep(seconds)

    def _send(self, method: str, path: str, options: Mapping[str, Any]) -> _Answer:
        left = max(self._deadline - time.monotonic(), 0.01)
        url, body = f"{self.uri}/{path}", bytearray()
        timeout = min(PATIENCE_SECONDS, left)
        with self._http.stream(method, url, timeout=timeout, **options) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise DataError(f"{url}: the answer has more than {MOST_BYTES:,} bytes")
                if time.monotonic() > self._deadline:
                    raise NotReadyError(f"{url}: the answer does not end in time")
        return _Answer(status=answer.status_code, body=bytes(body))

    def _checked(self, answer: _Answer, path: str) -> _Answer:
        if 200 <= answer.status < 300:
            return answer
        code, said = _error(answer)
        where = f"{self.uri}: {path.removeprefix(API)}: {answer.status} {code} {said}".rstrip()
        if answer.status in PASSING:
            raise NotReadyError(where)
        if answer.status in (401, 403):
            raise PermissionDeniedError(
                f"{where}; give the step {TOKEN}, or {USERNAME} and {PASSWORD}; where {URI} is "
                "set, its server alone gets them"
            )
        if code == EXISTS:
            raise ExistsError(where)
        if code == ABSENT:
            raise AbsentError(where)
        raise ParameterError(where)


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return {"content": text.encode(), "headers": {"Content-Type": "application/json"}}


def _error(answer: _Answer) -> tuple[str, str]:
    """Return the code and the message of an answer that refuses, as far as it has them."""
    try:
        document = json.loads(answer.body)
        code, said = str(document.get("error_code", "")), str(document.get("message", ""))
    except (ValueError, AttributeError):
        return "", shown(answer.body.decode("utf-8", "replace"), 80)
    return code, shown(said) if said else ""


def credentials(
    uri: str, environment: Mapping[str, str]
) -> tuple[dict[str, str], "httpx.BasicAuth | None"]:
    """Return the headers and the account that a server gets.

    Whoever starts a run names a server: where the environment names one, no other gets them.
    """
    import httpx

    own = environment.get(URI, "").strip()
    if own and urlsplit(own)[:2] != urlsplit(uri)[:2]:
        return {}, None
    token, user = environment.get(TOKEN, "").strip(), environment.get(USERNAME, "")
    if user:  # As in MLflow's own client, an account counts before a token.
        return {}, httpx.BasicAuth(user, environment.get(PASSWORD, ""))
    if token and not (token.isascii() and token.isprintable()):
        raise ParameterError(f"{TOKEN}: not a token; write printable ASCII on one line")
    return ({"Authorization": f"Bearer {token}"} if token else {}), None

"""Refuses who may not ask a server, before anything of a body is read.

403   a Host that is no name of this machine, where it listens on a loopback address
403   a request that changes something, of a web page of another site
401   no token, or a wrong one, where one is set; the health of the server needs none
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kanaria.serving.browser_requests import is_foreign_host, is_from_another_site
from kanaria.serving.drift_token import Token

HEALTH = "/v2/health/"
CLOSE = {"Connection": "close"}
"""A body that nobody reads is not waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Who may ask.

    Attributes:
        realm: of the server, for who presents no token.
        token: that must be presented, None for none.
        open_paths: to which anyone may post: KServe's agent and Knative's brokers present none.
        loopback_names: where the server listens on a loopback address alone, how it may be
            called beside the names that any machine has; None where others may reach it.
    """

    realm: str
    token: Token | None = None
    open_paths: frozenset[str] = frozenset()
    loopback_names: frozenset[str] | None = None


class Guard:
    """The ASGI application behind its rules."""

    def __init__(self, app: ASGIApp, rules: Rules, refused: Callable[[str], None]) -> None:
        """Hand to `app` what the rules let through, and tell `refused` why of anything else."""
        self._app, self._rules, self._refused = app, rules, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers, rules = dict(scope["headers"]), self._rules
        host, origin, presented = (
            headers.get(name, b"").decode("latin-1")
            for name in (b"host", b"origin", b"authorization")
        )
        if rules.loopback_names is not None and is_foreign_host(host, rules.loopback_names):
            return self._no(403, "host", "the Host is no name of this machine; use localhost")
        if scope["method"] != "GET" and is_from_another_site(origin, host):
            return self._no(403, "origin", "a web page of another site may not send this")
        if rules.token and self._needs_token(scope) and not rules.token.admits(presented):
            return self._unauthorized(bool(presented))
        return None

    def _needs_token(self, scope: Scope) -> bool:
        is_event = scope["method"] == "POST" and scope["path"] in self._rules.open_paths
        return not (is_event or scope["path"].startswith(HEALTH))

    def _unauthorized(self, is_wrong: bool) -> JSONResponse:
        challenge = f'Bearer realm="{self._rules.realm}"'
        challenge += ', error="invalid_token"' if is_wrong else ""
        why = "another token than this server's" if is_wrong else "no token"
        remedy = "send it as `Authorization: Bearer TOKEN`"
        return self._no(401, "token", f"{why}; {remedy}", {"WWW-Authenticate": challenge})

    def _no(
        self, code: int, reason: str, why: str, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        self._refused(reason)
        return JSONResponse({"error": why}, status_code=code, headers=CLOSE | (headers or {}))

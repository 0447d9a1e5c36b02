"""The tokens that a drift server and a trigger server ask for, and that their clients present.

It comes from a file, which is read again so that a Secret may be replaced under a running server,
or from the environment. It is nowhere else: not in a log, an error, a manifest or an option.

Source: RFC 6750, "The OAuth 2.0 Authorization Framework: Bearer Token Usage".
"""

import hmac
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kanaria.components.shared.errors import DataError, ParameterError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Variables:
    """Names of environment variables: of the token, of its file, and of its server's URL."""

    token: str
    file: str
    server: str


TOKEN, TOKEN_FILE = "KANARIA_DRIFT_TOKEN", "KANARIA_DRIFT_TOKEN_FILE"
SERVER = "KANARIA_DRIFT_SERVER"
"""Names the drift server's URL, for those that ask it or log to it."""
DRIFT = Variables(TOKEN, TOKEN_FILE, SERVER)
TRIGGER = Variables("KANARIA_TRIGGER_TOKEN", "KANARIA_TRIGGER_TOKEN_FILE", "KANARIA_TRIGGER_SERVER")
"""Of the trigger server, to which the drift server sends verdicts."""
FORM = re.compile(r"[A-Za-z0-9._~+/-]{16,4096}=*")
REMEDY = "write 16 to 4096 letters, digits and -._~+/, for instance of `openssl rand -hex 32`"
LOOK_SECONDS = 1.0


class Token:
    """What a server asks for; lives in one thread."""

    def __init__(self, path: Path | None, token: str = "", where: str = TOKEN) -> None:
        """Ask for the token in the file at `path`, or for the one that the variable `where` holds.

        Raises:
            ParameterError: the file cannot be read, or what is there is no token.
        """
        self._path, self._looked = path, time.monotonic()
        try:
            self._token = _checked(token, where) if path is None else _read(path)
        except DataError as error:
            raise ParameterError(str(error)) from error

    def admits(self, authorization: str) -> bool:
        """Tell whether an Authorization header presents it; any wrong one takes as long."""
        self._look()
        scheme, _, presented = authorization.partition(" ")
        same = hmac.compare_digest(presented.strip().encode("latin-1", "replace"), self._token)
        return same and scheme.lower() == "bearer" and bool(self._token)

    def _look(self) -> None:
        """Take what the file holds now; while it holds none, nobody is admitted."""
        if self._path is None or time.monotonic() < self._looked + LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            self._token = _read(self._path)
        except DataError as error:
            if self._token:
                logger.error("nobody is admitted until this is mended: %s", error)
            self._token = b""


def configured(
    path: str, environment: Mapping[str, str] = os.environ, names: Variables = DRIFT
) -> Token | None:
    """Return the token that a server is to ask for, None where none is set.

    Args:
        path: of its file, else the variables' file or token is taken.
        environment: the process's.
        names: of its variables.

    Raises:
        ParameterError: it cannot be read, or is none.
    """
    path = path or environment.get(names.file, "")
    if path:
        return Token(Path(path))
    if names.token not in environment:
        return None
    return Token(None, environment[names.token], names.token)


def authorization(
    environment: Mapping[str, str] = os.environ, names: Variables = DRIFT
) -> dict[str, str]:
    """Return the headers by which a client presents the token of its environment, if it has one.

    Present them to that server alone: whoever gets the token may write.

    Raises:
        DataError: the file that its variable names cannot be read, or holds none.
    """
    if environment.get(names.file):
        token = _read(Path(environment[names.file])).decode()
    elif names.token in environment:
        token = _checked(environment[names.token], names.token).decode()
    else:
        return {}
    return {"Authorization": f"Bearer {token}"}


def authorization_for(
    url: str, environment: Mapping[str, str] = os.environ, names: Variables = DRIFT
) -> dict[str, str]:
    """Return what `authorization` does where `url` is of the server its variable names, else {}.

    Anybody who may write a manifest names a sink: none but that server gets the token.

    Raises:
        DataError: as `authorization`.
    """
    server = environment.get(names.server, "")
    same = bool(server) and urlsplit(url)[:2] == urlsplit(server)[:2]
    return authorization(environment, names) if same else {}


def _read(path: Path) -> bytes:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise DataError(f"token file {path}: {why}; {REMEDY} into it") from error
    return _checked(text, f"token file {path}")


def _checked(text: str, where: str) -> bytes:
    token = text.strip()
    if not FORM.fullmatch(token):
        raise DataError(f"{where}: not a token ({len(token)} characters); {REMEDY}")
    return token.encode()

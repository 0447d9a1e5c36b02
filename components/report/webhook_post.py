"""Posts a message, or says why it could not; the only part that sends.

A URL may hold a secret, as those of chats do, and so may what an HTTP client says of it: of a URL
only scheme and host are ever written down.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kanaria.components.report.run_event import FORMATS, Message
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown

URL, FORMAT = "KANARIA_NOTIFY_URL", "KANARIA_NOTIFY_FORMAT"
TOKEN, TOKEN_FILE = "KANARIA_NOTIFY_TOKEN", "KANARIA_NOTIFY_TOKEN_FILE"
DEFAULT_FORMAT = "cloudevent"
TIMEOUT = 5.0
"""Seconds for one try, from the connection to the end of the answer's headers."""
PAUSES = (1.0, 3.0)
"""Seconds before the second try and the third."""
AGAIN = (408, 425, 429)
"""Refusals that pass; any other of 300 to 499 would be the same the next time."""
LONGEST_TOKEN = 8_192


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """Who is told; nothing of it but `place` may be shown."""

    url: str
    format: str
    headers: Mapping[str, str]

    @property
    def place(self) -> str:
        """Return scheme and host."""
        return place(self.url)


def place(url: str) -> str:
    """Return what may be shown of a URL: its scheme, host and port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}"


def receiver(url: str, form: str, environment: Mapping[str, str] = os.environ) -> Receiver | None:
    """Return who is to be told, None for nobody.

    Args:
        url: as a parameter gives it; "" for that of KANARIA_NOTIFY_URL.
        form: name of a format; "" for that of KANARIA_NOTIFY_FORMAT, else cloudevent.
        environment: the process's.

    Raises:
        ParameterError: something is wrong; every fault is named, and none shows a secret.
    """
    own = environment.get(URL, "").strip()
    address = url.strip() or own
    if not address:
        return None
    form = form or environment.get(FORMAT, "") or DEFAULT_FORMAT
    faults = Faults("report_run")
    faults.check(form in FORMATS, "notify_format", form, f"use {', '.join(FORMATS)}")
    _check(address, faults)
    faults.raise_if_any()
    # Whoever may start a run names a URL: none but the administrator's server gets the token.
    is_own = bool(own) and urlsplit(address)[:2] == urlsplit(own)[:2]
    return Receiver(url=address, format=form, headers=_authorization(environment) if is_own else {})


def _check(url: str, faults: Faults) -> None:
    """Record what is wrong with a URL, without showing it."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole, parts = False, None
    if not whole or any(letter.isspace() for letter in url):
        faults.add("notify_url: no address of a server; write https://HOST/PATH")
    elif parts and "@" in parts.netloc:
        faults.add(f"notify_url: it holds a password; put a token into {TOKEN} instead")


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    if environment.get(TOKEN_FILE):
        token, where = _read(Path(environment[TOKEN_FILE])), TOKEN_FILE
    else:
        token, where = environment.get(TOKEN, "").strip(), TOKEN
    if not token:
        return {}
    if not (token.isascii() and token.isprintable() and len(token) <= LONGEST_TOKEN):
        raise ParameterError(f"{where}: not a token; write printable ASCII on one line")
    return {"authorization": f"Bearer {token}"}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise ParameterError(f"{TOKEN_FILE}={shown(str(path))}: {why}") from error


def post(to: Receiver, message: Message) -> str:
    """Send a message, thrice at most; return in one sentence what became of it.

    Redirections are not followed: they would carry the token elsewhere.
    """
    # It would write the whole URL into the step's log.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    reason = ""
    for pause in (*PAUSES, None):
        is_delivered, reason = asyncio.run(_try(to, message))
        if is_delivered is not None or pause is None:
            break
        time.sleep(pause)
    return f"{to.place} was notified" if is_delivered else f"{to.place} was not notified: {reason}"


async def _try(to: Receiver, message: Message) -> tuple[bool | None, str]:
    """Return whether the message was taken, None where another try may help, and what was said."""
    import httpx  # Most runs notify nobody.

    headers = {**message.headers, **to.headers}
    try:
        async with (
            asyncio.timeout(TIMEOUT),  # The client's own is for each part of an answer.
            httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client,
            client.stream("POST", to.url, content=message.body, headers=headers) as answer,
        ):
            code = answer.status_code
    except (TimeoutError, httpx.TimeoutException):
        return None, f"no answer within {TIMEOUT:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return None, (str(error) or type(error).__name__).replace(to.url, to.place)
    if 200 <= code < 300:
        return True, ""
    is_final = code < 500 and code not in AGAIN
    return (False if is_final else None), _refused(code, to)


def _refused(code: int, to: Receiver) -> str:
    if code in (401, 403) and not to.headers:
        return f"it answered {code}; a token of {TOKEN} is sent to the server of {URL} alone"
    return f"it answered {code}"

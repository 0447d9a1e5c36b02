"""The command `kanaria watch`; loads nothing heavy to be listed."""

import argparse
from typing import Any

from kanaria.components.shared.command_line import port
from kanaria.serving.drift_server.command_options import STORE

STATE = ".kanaria/serving"


def add_watch(commands: Any) -> None:
    """Add `watch` to the command line."""
    text = "show what is served on this machine, live, as a page on 127.0.0.1"
    command = commands.add_parser("watch", help=text, description=text)
    command.add_argument(
        "--state", default=STATE, metavar="FOLDER", help="of local serving; %(default)s"
    )
    command.add_argument(
        "--drift-server",
        default="",
        metavar="URL",
        help="whose watches are shown; else KANARIA_DRIFT_SERVER, else what --store holds",
    )
    command.add_argument(
        "--store", default=STORE, help="of payload events, where no server is named; %(default)s"
    )
    command.add_argument(
        "--port", type=port, default=8083, help="of this machine, 0 for a free one; %(default)s"
    )
    command.set_defaults(command=watch)


def watch(options: argparse.Namespace) -> int:
    """Show the page until SIGINT or SIGTERM.

    Raises:
        KanariaError: an address or the port cannot be used.
    """
    import os
    from pathlib import Path

    from kanaria.components.shared import json_log
    from kanaria.serving.drift_token import SERVER
    from kanaria.serving.live_page.live_page import Places
    from kanaria.serving.live_page.live_server import serve

    json_log.configure("%(message)s")
    url = options.drift_server or os.environ.get(SERVER, "")
    has_store = options.store != STORE or Path(STORE).exists()
    places = Places(
        state=Path(options.state).resolve(),
        drift_server=_checked(url),
        store=options.store if has_store else "",
    )
    return serve(places, options.port)


def _checked(url: str) -> str:
    """Return the URL of a server, or ""."""
    from urllib.parse import urlsplit

    from kanaria.components.shared.errors import ParameterError, shown

    try:
        parts = urlsplit(url)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_server = False
    if url and not is_server:
        raise ParameterError(
            f"--drift-server {shown(url)}: no URL of a server; write it as http://localhost:8081"
        )
    return url.rstrip("/")

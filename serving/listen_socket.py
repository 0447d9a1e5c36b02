"""Takes a port before anything else is started, so that one that is taken is one clear error."""

import socket

from kanaria.components.shared.errors import NotReadyError, ParameterError, shown
from kanaria.serving.browser_requests import is_loopback

BACKLOG = 512


def listening(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a socket that listens on a port of an address.

    Args:
        host: address or name of this machine, "0.0.0.0" or "::" for all of its addresses.
        port: 0 takes a free one.
        option: of the command, which names another one.

    Raises:
        ParameterError: this machine has no such address.
        NotReadyError: the port is taken, or may not be used.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ParameterError(f"host={shown(host)}: {error.strerror}") from error
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it answers wait 40 ms.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise NotReadyError(
            f"port {port} of {host}: {error.strerror}; choose another by {option}"
        ) from error
    listener.listen(BACKLOG)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a socket; all addresses are told as this machine's own."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - It is read.
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def loopback_names(listener: socket.socket, host: str) -> frozenset[str] | None:
    """Return how a socket that this machine alone reaches may be called beside its usual names.

    Args:
        listener: as `listening` returns it.
        host: as it was named.

    Returns:
        The name it was given, or None where other machines reach it.
    """
    address = listener.getsockname()[0]
    return frozenset({host.lower()}) if is_loopback(address) else None

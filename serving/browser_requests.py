"""What a web page must not do to a server of this machine or network through a browser. Pure.

A browser lets any page send requests anywhere, though it may not read the answers. Without asking
the server first it sends only content types of forms or none, and no headers of the page's own
(the Fetch standard's "simple" requests); it adds the page's origin. A page whose name its owner
lets point to a loopback address (DNS rebinding) may read answers too; then the Host is that name.

Source: Fetch standard, "CORS-safelisted request-header" and "Origin header"; RFC 9110, 7.2.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

LOOPBACK_NAME = "localhost"


def host_of(authority: str) -> str:
    """Return the name or address of HOST:PORT in lower case, "" where it is none."""
    try:
        address = urlsplit(f"//{authority}")
        return address.hostname or "" if address.netloc == authority else ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address means the machine itself, wherever it is asked."""
    if host == LOOPBACK_NAME or host.endswith(f".{LOOPBACK_NAME}"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_foreign_host(host: str, own: Collection[str] = ()) -> bool:
    """Tell whether a request to a loopback address meant another server.

    Args:
        host: the request's Host header, "" where it has none.
        own: further names of this server, in lower case.
    """
    name = host_of(host)
    return not (is_loopback(name) or name in own)


def is_from_another_site(origin: str, host: str) -> bool:
    """Tell whether a browser sent a request for a page of another server.

    Args:
        origin: the request's Origin header, "" where it has none: then no page's script sent it.
        host: its Host header.
    """
    if not origin:
        return False
    return origin == "null" or urlsplit(origin).netloc.lower() != host.lower()

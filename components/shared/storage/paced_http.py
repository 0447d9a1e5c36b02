"""HTTP connections whose answers end: one that drips is given up, at any byte of it.

A socket's time-out counts from byte to byte, so a server that sends one byte now and then holds a
reader for ever. Here the time spent waiting is summed up: whoever waits WINDOW_SECONDS must have
got SLOWEST bytes for each of them. What the reader does between two pieces does not count.
"""

import http.client
import io
import time
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

WINDOW_SECONDS = 60.0
SLOWEST = 1024
"""Bytes a second; a line this slow is broken."""


class _Paced(io.RawIOBase):
    """The bytes of a socket, as long as they come fast enough."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw, self._waited, self._got = raw, 0.0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        begun = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        if self._got:  # What a server thinks before its first byte, the socket's time-out bounds.
            self._waited += time.monotonic() - begun
        self._got += count or 0
        if count and self._waited >= WINDOW_SECONDS:
            if self._got < SLOWEST * self._waited:
                raise TimeoutError(f"{self._got} bytes in {self._waited:.0f} s")
            self._waited, self._got = 0.0, 1
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Paced(self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS: Mapping[str, type[urllib3.HTTPConnectionPool]] = {"http": _Pool, "https": _SecurePool}
"""For a PoolManager's `pool_classes_by_scheme`."""

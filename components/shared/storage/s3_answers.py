"""What S3 answers, taken only when it is whole: bounded in bytes and time, and the XML asked for.

minio takes any XML as the answer to its question, and asks for page after page. So a listing by
another namespace, or a proxy's page, would be an empty folder, and a token given twice no end.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.parsers import expat  # What makes XML dangerous, its DTD, is refused.

import urllib3
from minio.datatypes import parse_list_objects

from kanaria.components.shared.errors import shown
from kanaria.components.shared.storage import paced_http

MOST_BYTES = 16 << 20
"""Of an answer that is no object; a page of a listing has some 2 MB at most."""
ANSWER_SECONDS = 120.0
MOST_PAGES = 10_000
"""Of a listing: ten million objects."""
AMAZON = "s3.amazonaws.com"
"""Stands in the namespace of every server's answers that has one."""
ROOTS = {
    "list-type": ("ListBucketResult",),
    "location": ("LocationConstraint",),
    "uploads": ("InitiateMultipartUploadResult",),
    "uploadId": ("CompleteMultipartUploadResult", "Error"),
}
"""Part of a question -> names of the answer's root."""
STREAMED, DONE = (200, 206), (200, 204)


class DamagedError(urllib3.exceptions.HTTPError):
    """An answer is not whole, or not what was asked for; the next one may be."""


class EndlessError(Exception):
    """A listing has more pages than are read."""


@dataclass
class _Pages:
    tokens: set[str] = field(default_factory=set)


_LISTING: ContextVar[_Pages] = ContextVar("listing")


@contextmanager
def listing() -> Iterator[None]:
    """Bound the pages that are asked for in the block; it is one listing.

    Raises:
        EndlessError: there are more than MOST_PAGES.
    """
    before = _LISTING.set(_Pages())
    try:
        yield
    finally:
        _LISTING.reset(before)


class Client(urllib3.PoolManager):
    """minio's HTTP client."""

    def __init__(self, **settings: Any) -> None:
        """Take what PoolManager takes."""
        super().__init__(**settings)
        self.pool_classes_by_scheme = dict(paced_http.POOLS)

    def urlopen(  # type: ignore[override]  # One of the parent's overloads is all minio needs.
        self, method: str, url: str, *, preload_content: bool = True, **named: Any
    ) -> urllib3.BaseHTTPResponse:
        """Return an answer; one that is no object's bytes is read and checked already."""
        answer = super().urlopen(method, url, preload_content=False, **named)
        if not preload_content and answer.status in STREAMED:
            return answer
        data = _whole(answer)
        read = urllib3.HTTPResponse(
            body=io.BytesIO(data),
            headers=answer.headers,
            status=answer.status,
            reason=answer.reason,
            request_method=method,
            request_url=url,
            preload_content=preload_content,
            decode_content=False,
        )
        if answer.status == 200 and method in ("GET", "POST"):
            _check(data, url, read)
        elif data and "xml" in answer.headers.get("content-type", ""):
            Xml(data)
        elif data and answer.status in DONE:
            raise DamagedError(f"an answer where S3 sends none: {shown(data[:100])}")
        return read


def _whole(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Read an answer to its end, and give its connection back."""
    content, deadline = bytearray(), time.monotonic() + ANSWER_SECONDS
    try:
        while piece := answer.read1(1 << 16, decode_content=False):
            content += piece
            if len(content) > MOST_BYTES:
                raise DamagedError(f"an answer of more than {MOST_BYTES} bytes")
            if time.monotonic() > deadline:
                raise DamagedError(f"an answer is not whole after {ANSWER_SECONDS:g} s")
    except DamagedError:
        answer.close()
        raise
    answer.release_conn()
    return bytes(content)


class Xml:
    """What stands at the top of an answer.

    Attributes:
        root: name of its root.
        texts: name -> text of the elements below the root.
        strange: the first element that is of no namespace of S3's, or of another than the root.
    """

    def __init__(self, data: bytes) -> None:
        """Read the answer.

        Raises:
            DamagedError: it is no whole XML, or has a document type, as nothing of S3 has.
        """
        self.root, self.texts, self.strange = "", dict[str, str](), ""
        self._namespace, self._path, self._text = "", list[str](), ""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._take
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise DamagedError(f"no whole XML, {error}: {shown(data[:100])}") from error

    def _refuse(self, name: str, *_: object) -> None:
        raise DamagedError(f"no answer of S3, it has a document type: {shown(name)}")

    def _start(self, name: str, _: object) -> None:
        namespace, _, own = name.rpartition(" ")
        if not self._path:
            self.root, self._namespace = own, namespace
        if namespace != self._namespace or (namespace and AMAZON not in namespace):
            self.strange = self.strange or name
        self._path.append(own)
        self._text = ""

    def _take(self, text: str) -> None:
        self._text += text

    def _end(self, _: str) -> None:
        name = self._path.pop()
        if len(self._path) == 1:
            self.texts[name] = self._text


def _check(data: bytes, url: str, answer: urllib3.BaseHTTPResponse) -> None:
    """Raise DamagedError unless an answer is what its question asks for."""
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    part = next((name for name in ROOTS if name in query), "")
    if not part:
        return
    xml = Xml(data)
    if xml.root not in ROOTS[part] or xml.strange:
        strange = xml.strange or xml.root
        raise DamagedError(f"an answer with {shown(strange)}, no {ROOTS[part][0]} of S3's")
    if part != "list-type":
        return
    try:
        parse_list_objects(answer)
    except (ValueError, AttributeError) as error:
        raise DamagedError(f"a page of a listing that is damaged: {shown(str(error))}") from error
    _check_page(xml.texts)


def _check_page(texts: dict[str, str]) -> None:
    more = texts.get("IsTruncated", "").strip().lower()
    if more not in ("true", "false"):
        raise DamagedError(f"a page of a listing whose IsTruncated is {shown(more)}")
    if more == "false":
        return
    token, pages = texts.get("NextContinuationToken", ""), _LISTING.get()
    if not token or token in pages.tokens:
        raise DamagedError(f"a page of a listing that leads to none, or back: {shown(token)}")
    pages.tokens.add(token)
    if len(pages.tokens) >= MOST_PAGES:
        raise EndlessError(f"more than {MOST_PAGES} pages; name a longer prefix")

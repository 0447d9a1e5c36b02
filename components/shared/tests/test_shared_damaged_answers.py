"""Answers of stores that are damaged, foreign, slow or without end: told, never taken."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from broken_ways import Answer, answering
from object_stores import NOT_SET

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.components.shared.storage import object_files, paced_http, retry, s3_answers, uri_files

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PAGE = "<html><body>Sign in to the network</body></html>"
XML = {"Content-Type": "application/xml"}


def listing(keys: list[str], more: str = "", namespace: str = NAMESPACE) -> str:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f"<Size>1</Size></Contents>"
        for key in keys
    )
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    truncated = str(bool(more)).lower()
    return (
        f'<ListBucketResult xmlns="{namespace}"><Name>bucket</Name>'
        f"<IsTruncated>{truncated}</IsTruncated>{contents}{token}</ListBucketResult>"
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + listing(
    ["m/a"]
).replace("m/a", "m/&b;")
DAMAGED = {
    "cut": (listing(["m/a", "m/b"])[:-60], "no whole XML"),
    "empty": ("", "no whole XML"),
    "a page": (PAGE, "no ListBucketResult"),
    "no XML": ("Service unavailable & sorry", "no whole XML"),
    "entities": (BOMB, "document type"),
    "an outside entity": (
        f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{listing(["m/a"])}',
        "document type",
    ),
    "another answer": (f'<ListAllMyBucketsResult xmlns="{NAMESPACE}"/>', "no ListBucketResult"),
    "another namespace": (listing(["m/a"], namespace="http://example.com/"), "no ListBucketResult"),
    "mixed namespaces": (
        listing(["m/a"]).replace("<Contents>", '<Contents xmlns="http://example.com/">'),
        "no ListBucketResult",
    ),
    "an error": ("<Error><Code>SlowDown</Code></Error>", "no ListBucketResult"),
    "no end told": (listing(["m/a"]).replace("IsTruncated", "Truncated"), "whose IsTruncated is"),
    "no key": (listing(["m/a"]).replace("<Key>m/a</Key>", ""), "listing that is damaged"),
    "no number": (listing(["m/a"]).replace("<Size>1", "<Size>one"), "listing that is damaged"),
    "no date": (listing(["m/a"]).replace("2026-01", "2026-21"), "listing that is damaged"),
    "more without a way": (
        listing(["m/a"]).replace(">false<", ">true<"),
        "leads to none",
    ),
    "other keys": (listing(["other/a"]), "not asked for: 'other/a'"),
    "a key twice": (listing(["m/a", "m/a"]), "keys twice"),
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)


def use(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name in NOT_SET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)


def listed(text: str):
    """Answer every listing with the text; there is no object."""

    def script(method: str, _path: str) -> Answer:
        return (404, XML, ()) if method == "HEAD" else (200, XML, [text.encode()])

    return script


def test_a_whole_listing_is_read(monkeypatch):
    with answering(listed(listing(["m/a", "m/b"]))) as endpoint:
        use(monkeypatch, endpoint)
        assert uri_files.matches("s3://bucket/m/*") == ["s3://bucket/m/a", "s3://bucket/m/b"]
    plain = listing(["m/a"]).replace(f' xmlns="{NAMESPACE}"', "")
    with answering(listed(plain)) as endpoint:
        use(monkeypatch, endpoint)
        assert uri_files.matches("s3://bucket/m/*") == ["s3://bucket/m/a"]


@pytest.mark.parametrize("name", list(DAMAGED))
def test_a_damaged_listing_is_told_with_bucket_and_key(monkeypatch, name):
    text, why = DAMAGED[name]
    with answering(listed(text)) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError) as caught:
            uri_files.matches("s3://bucket/m/*")
    assert "'s3://bucket/m/': failed 5 times" in str(caught.value)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("status", "text"), [(500, "<Error><Code>Int"), (403, BOMB)])
def test_a_damaged_refusal_is_told(monkeypatch, status, text):
    with answering(lambda *_: (status, XML, [text.encode()])) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError, match=r"failed 5 times.*(no whole XML|document type)"):
            uri_files.write_text("s3://bucket/m/a", "text")


def test_a_page_for_everything_is_no_object(monkeypatch, tmp_path: Path):
    html = {"Content-Type": "text/html", "Content-Length": str(len(PAGE))}
    with answering(lambda *_: (200, html, [PAGE.encode()])) as endpoint:
        use(monkeypatch, endpoint)
        for ask in (
            uri_files.exists,
            uri_files.read_text,
            lambda uri: uri_files.fetched(uri, tmp_path / "here"),
        ):
            with pytest.raises(NotReadyError, match="an answer without ETag"):
                ask("s3://bucket/m/a")
        with pytest.raises(NotReadyError, match="failed 5 times"):
            uri_files.exists("gs://bucket/m/a")
        with pytest.raises(NotReadyError, match="an answer where S3 sends none"):
            uri_files.write_text("s3://bucket/m/a", "text")
        with pytest.raises(NotReadyError, match="no ListBucketResult"):
            uri_files.remove("s3://bucket/m/a")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_page_in_place_of_a_removal_is_told(monkeypatch):
    def script(method: str, _path: str) -> Answer:
        kind = XML if method == "GET" else {"Content-Type": "text/html"}
        return 200, kind, [listing([]).encode() if method == "GET" else PAGE.encode()]

    with answering(script) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError, match="an answer where S3 sends none"):
            uri_files.remove("s3://bucket/m/a")


def paged(tokens: Iterator[str], keys: Iterator[str]):
    def script(method: str, path: str) -> Answer:
        if method == "HEAD":
            return 404, XML, ()
        page = [key] if (key := next(keys)) else []
        if path.startswith("/storage"):
            items = [{"name": key, "kind": "storage#object"} for key in page]
            body = json.dumps({"items": items, "nextPageToken": next(tokens)})
            asked_for_one = "/o/" in urlsplit(path).path
            kind = {"Content-Type": "application/json"}
            return (404, kind, [b"{}"]) if asked_for_one else (200, kind, [body.encode()])
        assert parse_qs(urlsplit(path).query)["list-type"] == ["2"]
        return 200, XML, [listing(page, next(tokens)).encode()]

    return script


@pytest.mark.parametrize("scheme", ["s3", "gs"])
@pytest.mark.parametrize("tokens", ["aaaa", "abab", "abcbcb"])
@pytest.mark.parametrize("empty", [True, False])
def test_pages_that_lead_back_are_told(monkeypatch, scheme, tokens, empty):
    keys = itertools.repeat("") if empty else (f"m/{n}" for n in itertools.count())
    script = paged(itertools.cycle(tokens), keys)
    with answering(script) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError, match=rf"{scheme}://bucket/m/'.*leads.*back"):
            uri_files.matches(f"{scheme}://bucket/m/*")


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_pages_without_end_are_told_and_not_tried_again(monkeypatch, scheme):
    from kanaria.components.shared.storage import gcs

    for module in (s3_answers, gcs):
        monkeypatch.setattr(module, "MOST_PAGES", 50)
    numbers = itertools.count()
    script = paged((f"t{n}" for n in numbers), itertools.repeat(""))
    with answering(script) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(ParameterError, match="more than 50 pages; name a longer prefix"):
            uri_files.matches(f"{scheme}://bucket/m/*")
    assert next(numbers) <= 51  # Cloud Storage is asked for an object of that name before.


def drip(data: bytes) -> Iterator[bytes]:
    """Yield byte by byte, all of it only after a time that no test waits for."""
    for byte in itertools.islice(itertools.cycle(data), 600):
        time.sleep(0.05)
        yield bytes([byte])


def object_of(size: int, pieces: Iterator[bytes]):
    headers = {"Content-Length": str(size), "ETag": '"x"', "Content-Type": "text/plain"}
    info = {"name": "m/a", "size": str(size), "kind": "storage#object", "bucket": "bucket"}

    def script(method: str, path: str) -> Answer:
        if path.startswith("/storage"):
            return 200, {"Content-Type": "application/json"}, [json.dumps(info).encode()]
        return 200, headers, pieces if method == "GET" else ()

    return script


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_http, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(retry, "ATTEMPTS", 2)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_an_object_that_drips_is_given_up(monkeypatch, tmp_path: Path, scheme):
    def script(method: str, path: str) -> Answer:
        return object_of(600, drip(b"data"))(method, path)

    with answering(script) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError, match=rf"{scheme}://bucket/m/a': failed 2 times"):
            uri_files.fetched(f"{scheme}://bucket/m/a", tmp_path / "here")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.usefixtures("_impatient")
def test_a_listing_that_drips_is_given_up(monkeypatch):
    def script(method: str, _path: str) -> Answer:
        return (404, XML, ()) if method == "HEAD" else (200, XML, drip(b"<"))

    with answering(script) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(NotReadyError, match=r"s3://bucket/m/': failed 2 times"):
            uri_files.matches("s3://bucket/m/*")


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_headers_that_drip_are_given_up(monkeypatch, scheme):
    def answer(client: socket.socket) -> None:
        with client, suppress(OSError):
            for piece in drip(b"HTTP/1.1 200 OK\r\nX-Long: "):
                client.sendall(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        use(monkeypatch, f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(NotReadyError, match=rf"{scheme}://bucket/m/a': failed 2 times"):
            uri_files.exists(f"{scheme}://bucket/m/a")


@pytest.mark.usefixtures("_impatient")
def test_what_the_reader_does_between_two_pieces_does_not_count(monkeypatch, tmp_path: Path):
    def slowly() -> Iterator[bytes]:
        for _ in range(8):
            time.sleep(0.02)
            yield b"0123456789" * 100

    with answering(object_of(8000, slowly())) as endpoint:
        use(monkeypatch, endpoint)
        fetched = uri_files.fetched("s3://bucket/m/a", tmp_path / "here")
    assert fetched.read_bytes() == b"0123456789" * 800


def test_a_listing_larger_than_any_is_given_up(monkeypatch):
    monkeypatch.setattr(s3_answers, "MOST_BYTES", 10_000)
    endless = (b"<a>" * 1000 for _ in range(100))
    with answering(lambda *_: (200, {**XML, "ETag": ""}, endless)) as endpoint:
        use(monkeypatch, endpoint)
        monkeypatch.setattr(retry, "ATTEMPTS", 1)
        with pytest.raises(NotReadyError, match="more than 10000 bytes"):
            uri_files.remove("s3://bucket/m/a")


def test_a_text_too_large_for_memory_is_refused_unread(monkeypatch):
    monkeypatch.setattr(object_files, "MOST_TEXT", 10)
    with answering(object_of(11, iter([b"01234567890"]))) as endpoint:
        use(monkeypatch, endpoint)
        with pytest.raises(ParameterError, match="11 bytes, and a text has 10 at most"):
            uri_files.read_text("s3://bucket/m/a")

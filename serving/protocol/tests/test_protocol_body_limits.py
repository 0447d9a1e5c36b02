"""What one body may hold, and what it costs to find out."""

import gzip
import json
import zlib

import pytest

from kanaria.serving.protocol import body_limits
from kanaria.serving.protocol.body_limits import BoundError, CompressionError, check_json, expanded
from kanaria.serving.protocol.payload_columns import OversizeError, PayloadError, read_columns


def rows(row, count):
    return b'{"instances":[' + b",".join([row] * count) + b"]}"


def test_compressed_bodies_come_back_as_they_were():
    body = json.dumps({"instances": list(range(1000))}).encode()
    assert [expanded(form) for form in (body, gzip.compress(body), zlib.compress(body))] == [
        body
    ] * 3


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (gzip.compress(bytes(body_limits.MAX_BODY + 1)), BoundError, "more than 16 MiB"),
        (gzip.compress(b"{}")[:-5], CompressionError, "cut off"),
        (gzip.compress(b"{}") + gzip.compress(b"[]"), CompressionError, "follow its end"),
        (b"\x1f\x8bnothing", CompressionError, "not gzip"),
    ],
    ids=["large", "cut", "doubled", "none"],
)
def test_other_compressed_bodies_are_refused(body, error, message):
    with pytest.raises(error, match=message):
        expanded(body)
    with pytest.raises(PayloadError, match=message):
        read_columns(body)


def test_gzip_is_taken_apart_once():
    with pytest.raises(PayloadError, match="not JSON"):
        read_columns(gzip.compress(gzip.compress(b'{"instances": [1]}')))


@pytest.mark.parametrize(
    "body",
    [
        rows(b"0", 4_000_001),
        rows(b"[]", 500_001),
        rows(b"{}", 500_001),
        rows(b'""', 500_001),
        rows(b'{"a":0}', 250_001),
        b'{"instances":[{' + b",".join(b'"%d":0' % n for n in range(500_001)) + b"}]}",
        b'{"instances":' + b"[" * 64 + b"]" * 64 + b"}",
        b"[" * 100_000,
        b'{"inputs":[{"name":"x","shape":[5000000],"datatype":"INT8","data":['
        + b"0," * 4_999_999
        + b"0]}]}",
    ],
    ids=["numbers", "lists", "objects", "texts", "rows", "keys", "levels", "open", "V2"],
)
def test_what_would_take_gigabytes_is_refused_before_it_is_parsed(body):
    with pytest.raises(BoundError, match="at most"):
        check_json(body)
    with pytest.raises(OversizeError, match="at most"):
        read_columns(body)


@pytest.mark.parametrize(
    "text",
    [
        b'["' + b"," * 4_000_001 + b'"]',
        b'["' + b"[{" * 500_001 + b'"]',
        b'["' + b'\\"' * 1_000_001 + b'"]',
        b'["' + b'\\\\\\"[' * 1_000 + b'"]',
    ],
)
def test_what_stands_in_a_text_is_not_counted(text):
    check_json(text)
    assert len(json.loads(text)) == 1


def test_what_follows_the_document_is_not_counted():
    size = 5_000_000
    head = {"name": "x", "datatype": "UINT8", "shape": [1, size]}
    head["parameters"] = {"binary_data_size": size}
    for byte in b',["':
        body = json.dumps({"inputs": [head]}).encode() + bytes([byte]) * size
        assert (read_columns(body)["x"] == byte).all()


def test_as_much_as_may_be_is_taken():
    assert len(read_columns(rows(b"0", 3_999_990))["instances"]) == 3_999_990
    assert len(read_columns(rows(b"[0]", 100_000))["instances"]) == 100_000


def test_rows_without_a_common_feature_are_bounded_before_they_are_spread_out():
    body = b'{"instances":[' + b",".join(b'{"%d":0}' % n for n in range(3000)) + b"]}"
    with pytest.raises(OversizeError, match="3000 rows of 3000 features"):
        read_columns(body)

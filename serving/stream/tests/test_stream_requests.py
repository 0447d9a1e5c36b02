"""Requests of several rows, and what their answers say."""

import json

import pytest

from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.stream.messages import Message, Row
from kanaria.serving.stream.model_answers import Answer, Kind, verdict
from kanaria.serving.stream.request_bodies import body


def rows(*texts):
    message = Message(topic="in", partition=0, offset=0, key=None, value=b"")
    return [Row(message=message, text=text, value=json.loads(text)) for text in texts]


def test_v1_takes_rows_as_they_stand():
    assert body(rows(b"1.50", b'{"a": 1e3}'), "v1", {}) == b'{"instances":[1.50,{"a": 1e3}]}'


def test_v2_makes_a_column_of_each_input():
    request_rows = rows(b'{"x": [1, 2], "w": "a"}', b'{"w": "b", "x": [3, 4]}')
    assert json.loads(body(request_rows, "v2", {"x": "FP32", "w": "BYTES"})) == {
        "inputs": [
            {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
            {"name": "w", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]},
        ]
    }


def test_v2_guesses_what_the_model_does_not_tell():
    request_rows = rows(
        b'{"i": 1, "f": 1, "b": true, "t": "a"}', b'{"i": 2, "f": 0.5, "b": false, "t": ""}'
    )
    tensors = json.loads(body(request_rows, "v2", {}))["inputs"]
    datatypes = {one["name"]: one["datatype"] for one in tensors}
    assert datatypes == {"i": "INT64", "f": "FP64", "b": "BOOL", "t": "BYTES"}


@pytest.mark.parametrize(
    "texts",
    [
        (b"1",),
        (b"[1]",),
        (b"{}",),
        (b"null",),
        (b'{"x": null}',),
        (b'{"x": {"y": 1}}',),
        (b'{"x": [1, [2]]}',),
        (b'{"x": 1}', b'{"x": [1]}'),
        (b'{"x": 1}', b'{"y": 1}'),
        (b'{"x": 1}', b'{"x": "a"}'),
        (b'{"x": true}', b'{"x": 1}'),
    ],
)
def test_v2_refuses_rows_that_make_no_request(texts):
    with pytest.raises(RequestError):
        body(rows(*texts), "v2", {})


V2 = {
    "outputs": [
        {"name": "a", "shape": [2, 1], "datatype": "FP32", "data": [0.5, 1]},
        {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["x", "y"]},
    ]
}
NESTED = {"outputs": [{"name": "a", "shape": [2, 1], "datatype": "FP32", "data": [[0.5], [1]]}]}


@pytest.mark.parametrize(
    ("protocol", "document", "values"),
    [
        ("v1", b'{"predictions": [0.10, {"b": NaN}]}', (b"0.1", b'{"b":NaN}')),
        ("v2", json.dumps(V2).encode(), (b'{"a":[0.5],"b":"x"}', b'{"a":[1],"b":"y"}')),
        ("v2", json.dumps(NESTED).encode(), (b'{"a":[0.5]}', b'{"a":[1]}')),
    ],
)
def test_an_answer_has_a_value_for_each_row(protocol, document, values):
    said = verdict(Answer(status=200, body=document), 2, protocol)
    assert (said.kind, said.values) == (Kind.SCORED, values)


@pytest.mark.parametrize(
    ("protocol", "document"),
    [
        ("v1", b'{"predictions": [1]}'),
        ("v1", b'{"predictions": {"a": 1, "b": 2}}'),
        ("v1", b'{"outputs": [1, 2]}'),
        ("v1", b"<html>"),
        ("v1", b"[" * 10_000),
        ("v2", b'{"outputs": []}'),
        ("v2", b'{"outputs": [{"name": "a", "shape": [3], "data": [1, 2]}]}'),
        ("v2", b'{"outputs": [{"name": "a", "shape": [3], "data": [1, 2, 3]}]}'),
    ],
)
def test_what_is_no_answer_for_each_row_is_unusable(protocol, document):
    assert verdict(Answer(status=200, body=document), 2, protocol).kind is Kind.UNUSABLE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Kind.REFUSED) for status in (400, 422)),
        (413, Kind.TOO_LARGE),
        *((one, Kind.PASSING) for one in (0, 201, 302, 401, 403, 404, 405, 408, 429, 500, 503)),
    ],
)
def test_only_what_is_said_of_rows_is_held_against_them(status, kind):
    assert verdict(Answer(status=status, body=b"a\nb"), 2, "v1").kind is kind

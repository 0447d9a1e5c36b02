import base64
import gzip
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kanaria.serving.protocol.json_columns import squeezed
from kanaria.serving.protocol.payload_columns import PayloadError, read_columns, rows_of
from kanaria.serving.protocol.tensors import DTYPES, joined_values


def read(document):
    return read_columns(json.dumps(document).encode())


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": list(shape), "data": data}


@pytest.mark.parametrize("key", ["instances", "predictions", "results", "examples"])
def test_rows_of_lists_are_one_column_of_the_keys_name(key):
    np.testing.assert_array_equal(read({key: [[1, 2.5], [3, 4]]})[key], [[1, 2.5], [3, 4]])


def test_rows_of_dictionaries_are_one_column_a_feature():
    columns = read({"instances": [{"x": 1.5, "word": "a"}, {"word": "b", "n": 7}]})
    np.testing.assert_array_equal(columns["x"], [1.5, np.nan])
    np.testing.assert_array_equal(columns["n"], [np.nan, 7])
    assert columns["word"].tolist() == ["a", "b"]


def test_the_context_of_classify_holds_for_every_example():
    columns = read({"context": {"hour": 3}, "examples": [{"x": 1}, {"x": 2}]})
    assert {name: values.tolist() for name, values in columns.items()} == {
        "hour": [3, 3],
        "x": [1, 2],
    }


def test_columns_of_tensorflow_serving_stay_columns():
    columns = read({"inputs": {"x": [[1.0, 3.0], [2.0, 4.0]], "word": ["a", "b"]}})
    assert (columns["x"].shape, columns["word"].tolist()) == ((2, 2), ["a", "b"])
    np.testing.assert_array_equal(read({"outputs": [[0.5, 1.0]]})["outputs"], [[0.5, 1.0]])


@pytest.mark.parametrize(
    "sent",
    [
        {"instances": [{"x": 5, "c": "a"}, {"x": 6, "c": "b"}]},
        {"instances": [{"x": [5], "c": ["a"]}, {"x": [6], "c": ["b"]}]},
        {"instances": [{"x": [5], "c": "a"}, {"x": [[6]], "c": ["b"]}]},
        {"inputs": {"x": [[5], [6]], "c": [["a"], ["b"]]}},
        {
            "inputs": [
                tensor("x", "INT64", [2, 1], [5, 6]),
                tensor("c", "BYTES", [2, 1], ["a", "b"]),
            ]
        },
        {
            "inputs": [
                tensor("x", "INT8", [2, 1, 1], [[[5]], [[6]]]),
                tensor("c", "BYTES", [2], ["a", "b"]),
            ]
        },
    ],
)
def test_axes_of_one_are_dropped_and_rows_with_and_without_them_are_one_column(sent):
    columns = read(sent)
    assert (columns["x"].tolist(), columns["c"].tolist()) == ([5, 6], ["a", "b"])


def test_a_row_without_a_value_lacks_one_in_the_shape_of_the_others():
    column = read({"instances": [{"v": [1, 2]}, {"v": None}, {"v": [[3], [4]]}, {}]})["v"]
    np.testing.assert_array_equal(column, [[1, 2], [np.nan] * 2, [3, 4], [np.nan] * 2])
    words = read({"instances": [["a", 1], None]})["instances"]
    assert words.tolist() == [["a", 1], [None, None]]


def test_whole_numbers_stay_exact_beside_missing_values():
    large = [2**53 + 1, None, 2**63]
    assert read({"instances": large})["instances"].tolist() == large
    assert read({"inputs": [tensor("x", "UINT64", [3], large)]})["x"].tolist() == large


def test_base64_of_mlserver_is_text():
    sent = tensor("c", "BYTES", [3], ["YQ==", "/w==", None]) | {
        "parameters": {"content_type": "base64"}
    }
    assert read({"inputs": [sent]})["c"].tolist() == ["a", b"\xff", None]
    packed = joined_values([b"YQ==", b"/w=="])
    binary = {"content_type": "base64", "binary_data_size": len(packed)}
    document = {"inputs": [{"name": "c", "datatype": "BYTES", "shape": [2], "parameters": binary}]}
    read_back = read_columns(json.dumps(document).encode() + packed)
    assert read_back["c"].tolist() == ["a", b"\xff"]
    with pytest.raises(PayloadError, match="not base64"):
        read({"inputs": [sent | {"data": ["a", "b", "c"]}]})


def test_a_bfloat16_is_the_decimal_that_was_meant():
    tail = struct.pack("<4H", 0x3DCD, 0x3F80, 0xC020, 0x7F80)
    head = {"name": "x", "datatype": "BF16", "shape": [4]}
    head["parameters"] = {"binary_data_size": 8}
    column = read_columns(json.dumps({"inputs": [head]}).encode() + tail)["x"]
    assert column.tolist() == [0.1, 1.0, -2.5, np.inf]


def test_a_column_has_a_name_that_can_be_written():
    assert list(read_columns(b'{"instances": [{"\\ud800": 1, "\xff": 2}]}')) == ["\\ud800", "\\xff"]


def test_a_value_without_axes_is_one_row():
    columns = read({"inputs": {"x": 5, "image": {"b64": "/9g="}}})
    assert (columns["x"].tolist(), columns["image"].tolist()) == ([5], [b"\xff\xd8"])
    assert read({"outputs": 0.5})["outputs"].tolist() == [0.5]


def test_columns_without_common_rows_are_one_row():
    columns = read({"inputs": {"x": [1, 2], "y": [[1], [2], [3]]}})
    assert {name: values.shape for name, values in columns.items()} == {"x": (1, 2), "y": (1, 3)}
    tensors = [tensor("x", "FP32", [2], [1, 2]), tensor("word", "BYTES", [3], ["a", "b", "c"])]
    columns = read({"inputs": tensors})
    assert (columns["x"].tolist(), columns["word"].tolist()) == ([[1, 2]], [["a", "b", "c"]])


def test_not_a_number_and_infinity_are_read_as_tensorflow_serving_writes_them():
    column = read_columns(b'{"predictions": [NaN, Infinity, -Infinity, 1.5]}')["predictions"]
    np.testing.assert_array_equal(column, [np.nan, np.inf, -np.inf, 1.5])


def test_a_request_to_triton_names_outputs_that_are_no_data():
    outputs = [{"name": "y", "parameters": {"binary_data": True}}]
    columns = read(
        {"id": "1", "inputs": [tensor("x", "INT64", [1, 2], [[1, 2]])], "outputs": outputs}
    )
    assert {name: values.tolist() for name, values in columns.items()} == {"x": [[1, 2]]}


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_compressed_body_is_read(compress):
    head = {"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}
    body = json.dumps({"inputs": [head]}).encode() + np.float32([1, 2]).tobytes()
    assert read_columns(compress(body))["x"].tolist() == [1, 2]
    with pytest.raises(PayloadError, match="cut off"):
        read_columns(compress(body)[:-9])


def test_nulls_among_numbers_are_nan_and_other_mixtures_stay_as_sent():
    columns = read({"instances": [{"x": 1, "m": 1, "r": [1]}, {"x": None, "m": "a", "r": [1, 2]}]})
    np.testing.assert_array_equal(columns["x"], [1, np.nan])
    assert columns["m"].tolist() == [1, "a"]
    assert columns["r"].tolist() == [1, [1, 2]]


@given(st.lists(st.binary(), min_size=1))
def test_base64_becomes_the_bytes_it_stands_for(values):
    rows = [{"b64": base64.b64encode(value).decode()} for value in values]
    assert read({"instances": rows})["instances"].tolist() == values
    assert read({"instances": [{"image": row} for row in rows]})["image"].tolist() == values


NUMERIC = sorted(set(DTYPES) - {"BYTES", "BF16"})


@st.composite
def tensors(draw, rows):
    datatype = draw(st.sampled_from(NUMERIC))
    shape = (rows, *draw(arrays.array_shapes(min_dims=0, max_dims=2, max_side=3)))
    finite = {"allow_nan": False} if datatype.startswith("FP") else None
    return datatype, draw(arrays.arrays(DTYPES[datatype], shape, elements=finite))


@given(st.integers(1, 4).flatmap(lambda rows: st.lists(tensors(rows), min_size=1, max_size=4)))
def test_v2_tensors_are_the_same_from_json_and_from_binary_data(sent):
    described, binary, tail = [], [], b""
    for number, (datatype, values) in enumerate(sent):
        described.append(tensor(f"t{number}", datatype, values.shape, values.ravel().tolist()))
        head = {k: described[-1][k] for k in ("name", "datatype", "shape")}
        binary.append(head | {"parameters": {"binary_data_size": values.nbytes}})
        tail += values.tobytes()
    for columns in (
        read({"inputs": described}),
        read_columns(json.dumps({"outputs": binary}).encode() + tail),
    ):
        for number, (_, values) in enumerate(sent):
            np.testing.assert_array_equal(columns[f"t{number}"], squeezed(values))
            assert columns[f"t{number}"].dtype == values.dtype


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_texts_are_the_same_from_json_and_from_binary_data(texts):
    head = tensor("word", "BYTES", [len(texts)], texts)
    encoded = [text.encode() for text in texts]
    tail = b"".join(struct.pack("<I", len(value)) + value for value in encoded)
    binary = {k: head[k] for k in ("name", "datatype", "shape")}
    binary["parameters"] = {"binary_data_size": len(tail)}
    assert read({"inputs": [head]})["word"].tolist() == texts
    body = json.dumps({"inputs": [binary]}).encode() + tail
    assert read_columns(body)["word"].tolist() == texts


def test_bytes_that_are_no_text_stay_bytes():
    head = {"name": "i", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}}
    body = json.dumps({"inputs": [head]}).encode() + struct.pack("<I", 2) + b"\xff\xd8"
    assert read_columns(body)["i"].tolist() == [b"\xff\xd8"]


def test_bfloat16_is_the_upper_half_of_float32():
    head = {"name": "x", "datatype": "BF16", "shape": [2], "parameters": {"binary_data_size": 4}}
    body = json.dumps({"inputs": [head]}).encode() + np.float32([1.5, -2]).tobytes()[2::4]
    with pytest.raises(PayloadError, match="no data"):
        read_columns(body)
    halves = np.float32([1.5, -2]).view("<u4") >> 16
    body = json.dumps({"inputs": [head]}).encode() + halves.astype("<u2").tobytes()
    assert read_columns(body)["x"].tolist() == [1.5, -2]


def test_a_single_value_holds_for_all_rows():
    columns = read(
        {"inputs": [tensor("x", "FP32", [3], [1, 2, 3]), tensor("k", "INT32", [1], [5])]}
    )
    assert columns["k"].tolist() == [5, 5, 5]
    assert rows_of(columns) == 3


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "send a JSON object"),
        ({"rows": []}, "'rows'"),
        ({"instances": 5}, "instances 5"),
        ({"instances": [{"b64": "*"}]}, "b64"),
        ({"inputs": [tensor("x", "FP33", [1], [1])]}, "'x': datatype 'FP33'"),
        ({"inputs": [tensor("x", "FP32", [-1], [1])]}, r"'x': shape \[-1\]"),
        ({"inputs": [tensor("x", "FP32", [2], [1])]}, "'x': 1 values"),
        ({"inputs": [tensor("x", "FP32", [1], ["a"])]}, "'x': .* FP32"),
        ({"inputs": [tensor("x", "FP32", [1], [n]) for n in (1, 2)]}, "'x' stands there twice"),
        ({"instances": [{f"f{n}": 1} for n in range(4000)]}, "4000 rows of 4000 features"),
    ],
)
def test_a_fault_of_a_body_is_named(document, fault):
    with pytest.raises(PayloadError, match=fault):
        read(document)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"instances":' + b"[" * 900]
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(PayloadError, match="body"):
        read_columns(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["instances", "inputs", "outputs", "predictions", "context"])
LIKE_TENSORS = st.fixed_dictionaries(
    {
        "name": json_values,
        "datatype": st.sampled_from(sorted(DTYPES)) | json_values,
        "shape": st.lists(st.integers(-1, 3)) | json_values,
    },
    optional={"data": json_values, "parameters": json_values},
)


BODIES = st.dictionaries(KEYS, json_values) | st.fixed_dictionaries(
    {"inputs": st.lists(LIKE_TENSORS, min_size=1, max_size=3)}
)


@given(BODIES, st.binary(max_size=8))
def test_any_body_is_read_or_refused_but_never_a_crash(document, tail):
    try:
        columns = read_columns(json.dumps(document).encode() + tail)
    except PayloadError:
        return
    assert {len(values) for values in columns.values()} <= {rows_of(columns)}

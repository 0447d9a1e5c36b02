"""Requests as arrays, and arrays as answers."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.serving.protocol.inference_v1 import from_columns, from_instances, to_columns, to_rows
from kanaria.serving.protocol.inference_v2 import read
from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.protocol.signature_inputs import example_row
from kanaria.serving.protocol.tensors import datatype

FLOAT, WHOLE, TEXT = np.dtype(np.float32), np.dtype(np.int32), np.dtype(object)
INPUTS = {
    "x": Input(dtype=FLOAT, shape=(None, 1)),
    "n": Input(dtype=WHOLE, shape=(None,)),
    "word": Input(dtype=TEXT, shape=(None, 1)),
}
EXAMPLES = {"examples": Input(dtype=TEXT, shape=(None,))}


def row(**features):
    return {"x": 1.5, "n": 2, "word": "a"} | features


def test_rows_become_one_array_an_input():
    arrays = from_instances([row(x=[1.5]), row(x=[2], word="ü")], INPUTS)
    np.testing.assert_array_equal(arrays["x"], [[1.5], [2.0]])
    np.testing.assert_array_equal(arrays["n"], [2, 2])
    assert arrays["word"].tolist() == [[b"a"], ["ü".encode()]]


def test_a_list_of_one_fits_a_feature_without_an_axis():
    assert from_instances([row(n=[7])], INPUTS)["n"].tolist() == [7]


@pytest.mark.parametrize(
    ("instances", "fault"),
    [
        ([{"x": 1.5, "n": 2}], r"missing \['word'\]"),
        ([row(z=1)], r"unknown \['z'\]"),
        ([row(), row(x="a")], "'x'"),
        ([row(x=None)], "'x'"),
        ([row(x=True)], "'x'"),
        ([row(n=2.5)], "'n'"),
        ([row(n=2**31)], "'n'"),
        ([row(n=2**80)], "'n'"),
        ([row(n=True)], "'n': True is not of type int32"),
        ([row(n=1), row(n=True)], "'n': True is not of type int32"),
        ([row(n=2.0)], "'n': 2.0 is not of type int32"),
        ([row(x=0.5), row(x=True)], "'x': True is not of type float32"),
        ([row(x=1e39)], r"'x': 1e\+39 is beyond the range of float32"),
        ([row(x=10**400)], "'x': an integer of 1329 bits is beyond the range of float32"),
        ([row(x=float("nan"))], "'x': NaN, but the model requires a value"),
        ([row(word="\ud800")], "'word'.*half a surrogate pair"),
        ([row(word={"b64": "AA==", "more": 1})], "'word'.*not of type text"),
        ([row(x=[[[[1]]]])], "'x': shape"),
        ([row(word=3)], "'word'"),
        ([row(word=None)], "'word'"),
        ([row(x=[1, 2])], "'x': shape"),
        ([row(x=[1]), row(x=[1, 2])], "'x'"),
        ([row(word={"b64": "*"})], "b64"),
        ([row(word={"b64": 3})], "b64"),
        ([5], r"instances\[0\]: 5"),
        ([], "at least one row"),
        (None, "instances"),
        ("abc", "instances"),
    ],
)
def test_a_fault_of_the_client_is_named(instances, fault):
    with pytest.raises(RequestError, match=fault):
        from_instances(instances, INPUTS)


@given(st.lists(st.binary(), min_size=1))
def test_serialized_examples_arrive_byte_for_byte(examples):
    rows = [{"b64": base64.b64encode(example).decode()} for example in examples]
    assert from_instances(rows, EXAMPLES)["examples"].tolist() == examples
    named = [{"examples": value} for value in rows]
    assert from_instances(named, EXAMPLES)["examples"].tolist() == examples


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(json_values | st.lists(st.fixed_dictionaries(dict.fromkeys(INPUTS, json_values))))
def test_any_json_is_taken_or_refused_but_never_a_crash(instances):
    try:
        arrays = from_instances(instances, INPUTS)
    except RequestError:
        return
    assert {name: values.dtype for name, values in arrays.items()} == {
        name: wanted.dtype for name, wanted in INPUTS.items()
    }


def test_outputs_become_rows():
    assert to_rows({"p": np.array([[0.5], [1.0]])}, 2) == [[0.5], [1.0]]
    several = {"p": np.array([0.5, 1.0]), "word": np.array([b"a", b"b"], dtype=object)}
    assert to_rows(several, 2) == [{"p": 0.5, "word": "a"}, {"p": 1.0, "word": "b"}]


def test_an_output_that_has_no_value_a_row_has_no_form_in_rows():
    for shape in ((5,), ()):
        with pytest.raises(RequestError, match=r"output 'names' has shape .* ask by columns"):
            to_rows({"p": np.zeros(2), "names": np.zeros(shape)}, 2)


def test_infinity_is_a_value_and_an_integer_keeps_every_digit():
    arrays = from_instances([row(x=float("-inf"), n=-(2**31))], INPUTS)
    assert (arrays["x"].tolist(), arrays["n"].tolist()) == ([[float("-inf")]], [-(2**31)])
    big = Input(dtype=np.dtype(np.int64), shape=(None,))
    assert from_columns([2**53 + 1, -(2**63)], {"i": big})["i"].tolist() == [2**53 + 1, -(2**63)]


def test_a_scalar_input_takes_one_row_or_columns():
    inputs = {"x": INPUTS["n"], "k": Input(dtype=FLOAT, shape=())}
    assert from_instances([{"x": 1, "k": 2}], inputs)["k"].shape == ()
    with pytest.raises(RequestError, match="'k': shape"):
        from_instances([{"x": 1, "k": 2}] * 2, inputs)


def test_base64_may_lack_its_padding():
    assert from_columns({"b64": "YQ"}, EXAMPLES | {"examples": Input(dtype=TEXT, shape=())}) == {
        "examples": b"a"
    }


def test_outputs_of_bytes_become_base64():
    """tensorflow/serving's rule by the name, and bytes that no text can hold."""
    values = np.array([b"a", b"\xff\x00"], dtype=object)
    assert to_columns({"image_bytes": values}) == [{"b64": "YQ=="}, {"b64": "/wA="}]
    assert to_columns({"image": values}) == ["a", {"b64": "/wA="}]


def test_a_float_of_32_bits_is_written_as_short_as_it_is_read_back():
    """As tensorflow/serving writes it; a double next to 0.2 in 32 bits is 0.20000000298."""
    values = np.array([0.2, 1e-7, 3.4028235e38, 16777217, 1 / 3], np.float32)
    assert to_columns({"y": values}) == [0.2, 1e-7, 3.4028235e38, 16777216.0, 0.33333334]


@pytest.mark.parametrize("dtype", [np.float16, np.complex64])
def test_an_output_without_a_form_in_json_is_refused(dtype):
    with pytest.raises(RequestError, match=f"output 'y' is of type {np.dtype(dtype).name}"):
        to_columns({"y": np.zeros(2, dtype)})


def test_outputs_become_columns():
    assert to_columns({"p": np.array([[0.5], [1.0]])}) == [[0.5], [1.0]]
    several = {"p": np.array(0.5), "words": np.array([[b"a"], [b"b"]], dtype=object)}
    assert to_columns(several) == {"p": 0.5, "words": [["a"], ["b"]]}


OPTIONAL = {
    "x": Input(dtype=FLOAT, shape=(None, 1), required=False),
    "n": Input(dtype=WHOLE, shape=(None,), required=False),
    "word": Input(dtype=TEXT, shape=(None,), required=False),
    "sure": Input(dtype=np.dtype(bool), shape=(None,), required=False),
    "pair": Input(dtype=FLOAT, shape=(None, 2), required=False),
    "many": Input(dtype=WHOLE, shape=(None, None), required=False),
    "always": Input(dtype=WHOLE, shape=(None,)),
}
MISSING = {
    "x": [np.nan],
    "n": -(2**31),
    "word": b"",
    "sure": False,
    "pair": [np.nan, np.nan],
    "many": [-(2**31)] * 2,
    "always": 4,
}
WHOLE_ROW = {"x": 1.5, "n": 2, "word": "a", "sure": True, "pair": [1, 2], "many": [5, 6]}
WHOLE_ROW |= {"always": 3}


def assert_second_row_is_missing(arrays):
    assert set(arrays) == set(OPTIONAL)
    for name, marks in MISSING.items():
        assert len(arrays[name]) == 2
        assert arrays[name].dtype == OPTIONAL[name].dtype
        np.testing.assert_array_equal(arrays[name][1], np.array(marks, OPTIONAL[name].dtype))
    assert arrays["pair"][0].tolist() == [1, 2]
    assert arrays["many"][0].tolist() == [5, 6]


@pytest.mark.parametrize("missing", [{"always": 4}, dict.fromkeys(MISSING) | {"always": 4}])
def test_null_and_an_absent_key_mean_missing_where_the_model_says_so(missing):
    assert_second_row_is_missing(from_instances([WHOLE_ROW, missing], OPTIONAL))


def test_no_number_is_the_mark_of_missing_where_a_value_may_be_missing():
    assert_second_row_is_missing(
        from_instances(
            [WHOLE_ROW, {"always": 4, "x": float("nan"), "pair": [float("nan")] * 2}], OPTIONAL
        )
    )


def test_null_in_a_column_means_missing():
    columns = {name: [value, None] for name, value in WHOLE_ROW.items()} | {"always": [3, 4]}
    assert_second_row_is_missing(from_columns(columns, OPTIONAL))


def v2(data):
    """What a request of V2 feeds a model of these inputs, each with its data."""
    tensors = [
        {
            "name": name,
            "datatype": datatype(OPTIONAL[name].dtype),
            "shape": list(np.shape(values)),
            "data": values,
        }
        for name, values in data.items()
    ]
    return read(json.dumps({"inputs": tensors}).encode(), None, OPTIONAL, ["y"]).feed


def test_null_in_a_tensor_means_missing():
    data = {name: [value, None] for name, value in WHOLE_ROW.items()} | {"always": [3, 4]}
    data |= {name: [WHOLE_ROW[name], [None, None]] for name in ("pair", "many")}
    assert_second_row_is_missing(v2(data | {"x": [[1.5], [None]]}))
    with pytest.raises(RequestError, match="'pair': None is not of type float32"):
        v2({"always": [3], "pair": [[1.5, None]]})


def test_a_column_that_is_not_sent_is_missing_in_every_row():
    for arrays in (from_columns({"always": [3, 4]}, OPTIONAL), v2({"always": [3, 4]})):
        assert arrays["word"].tolist() == [b"", b""]
        assert np.isnan(arrays["x"]).all()
        assert arrays["many"].shape == (2, 0)


@pytest.mark.parametrize(
    ("instances", "fault"),
    [
        ([{"x": 1}], r"missing \['always'\]"),
        ([{"always": None}], r"missing \['always'\]"),
        ([{"always": 1, "typo": None}], r"unknown \['typo'\]"),
        ([{"always": 1, "pair": [1, None]}], "'pair'"),
        ([{"always": 1, "pair": [1, 2, 3]}], "'pair': shape"),
        ([{"always": 1, "many": [1]}, {"always": 1, "many": [1, 2]}], "'many'"),
    ],
)
def test_what_is_not_missing_must_still_fit(instances, fault):
    with pytest.raises(RequestError, match=fault):
        from_instances(instances, OPTIONAL)


def test_columns_may_have_what_rows_may_not():
    scalar = {"x": INPUTS["n"], "k": Input(dtype=FLOAT, shape=())}
    arrays = from_columns({"x": [1, 2], "k": 0.5}, scalar)
    assert (arrays["x"].tolist(), arrays["k"].tolist()) == ([1, 2], 0.5)
    assert from_columns([1, 2], {"n": INPUTS["n"]})["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"x": [1.5], "n": [2]}, r"missing \['word'\]"),
        ({"x": [None], "n": [2], "word": ["a"]}, "'x': null"),
        ([1], "one column for each"),
        ({"x": [1.5], "n": [2], "word": ["a"], "z": None}, r"unknown \['z'\]"),
        ({"x": 1.5, "n": [2], "word": ["a"]}, "'x': shape"),
    ],
)
def test_a_fault_in_columns_is_named(columns, fault):
    with pytest.raises(RequestError, match=fault):
        from_columns(columns, INPUTS)


@given(json_values)
def test_any_json_of_columns_is_taken_or_refused_but_never_a_crash(columns):
    try:
        from_columns(columns, OPTIONAL)
    except RequestError:
        return


def test_types_have_the_protocols_names():
    types = (np.float32, np.int64, np.uint8, np.bool_, object)
    assert [datatype(np.dtype(t)) for t in types] == ["FP32", "INT64", "UINT8", "BOOL", "BYTES"]


def test_the_warm_up_row_fits_the_inputs():
    inputs = INPUTS | {"k": Input(dtype=TEXT, shape=()), "any": Input(dtype=FLOAT, shape=None)}
    shapes = {name: (values.shape, values.dtype) for name, values in example_row(inputs).items()}
    assert shapes.pop("k") == ((), TEXT)
    assert shapes.pop("any") == ((1,), FLOAT)
    assert shapes == {"x": ((1, 1), FLOAT), "n": ((1,), WHOLE), "word": ((1, 1), TEXT)}

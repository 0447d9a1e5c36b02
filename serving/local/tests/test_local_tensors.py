import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.local.tensors import (
    Input,
    RequestError,
    datatype,
    example_row,
    from_instances,
    to_rows,
)

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
    found = from_instances([row(x=[1.5]), row(x=[2], word="ü")], INPUTS)
    np.testing.assert_array_equal(found["x"], [[1.5], [2.0]])
    np.testing.assert_array_equal(found["n"], [2, 2])
    assert found["word"].tolist() == [[b"a"], ["ü".encode()]]


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
    import base64

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
        found = from_instances(instances, INPUTS)
    except RequestError:
        return
    assert {name: values.dtype for name, values in found.items()} == {
        name: wanted.dtype for name, wanted in INPUTS.items()
    }


def test_outputs_become_rows():
    assert to_rows({"p": np.array([[0.5], [1.0]])}) == [[0.5], [1.0]]
    several = {"p": np.array([0.5, 1.0]), "word": np.array([b"a", b"b"], dtype=object)}
    assert to_rows(several) == [{"p": 0.5, "word": "a"}, {"p": 1.0, "word": "b"}]


def test_types_have_the_protocols_names():
    types = (np.float32, np.int64, np.uint8, np.bool_, object)
    assert [datatype(np.dtype(t)) for t in types] == ["FP32", "INT64", "UINT8", "BOOL", "BYTES"]


def test_the_warm_up_row_fits_the_inputs():
    shapes = {name: (values.shape, values.dtype) for name, values in example_row(INPUTS).items()}
    assert shapes == {"x": ((1, 1), FLOAT), "n": ((1,), WHOLE), "word": ((1, 1), TEXT)}

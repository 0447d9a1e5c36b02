import base64
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from kserve.protocol.infer_type import serialize_byte_tensor
from kserve.utils import numpy_codec
from tensorflow.core.framework import types_pb2

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.serving.protocol.base64_values import bytes_of_base64
from kanaria.serving.protocol.inference_v1 import from_instances
from kanaria.serving.protocol.payload_columns import read_columns
from kanaria.serving.protocol.tensors import (
    DTYPES,
    NAMES,
    TENSORFLOW_NAMES,
    cut_values,
    datatype,
    joined_values,
)

TEXT = Input(dtype=np.dtype(object), shape=(None,))


@pytest.mark.parametrize("name", sorted(set(DTYPES) - {"BF16"}))
def test_datatypes_are_those_of_kserve(name):
    dtype = np.dtype(numpy_codec.to_np_dtype(name))
    assert (DTYPES[name], datatype(dtype)) == (dtype, name)
    assert numpy_codec.from_np_dtype(dtype) == name


def test_type_names_are_those_of_tensorflow():
    for message, name in TENSORFLOW_NAMES.items():
        assert tf.as_dtype(types_pb2.DataType.Value(message)).name == name
    assert datatype(np.dtype(tf.bfloat16.as_numpy_dtype)) == "BF16"
    assert set(TENSORFLOW_NAMES.values()) == set(NAMES.values())


@given(st.lists(st.binary(max_size=20), min_size=1))
def test_values_of_bytes_lie_as_kserve_writes_them(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    data = serialize_byte_tensor(array).item()
    assert joined_values(values) == data
    assert cut_values(data) == values


def test_a_value_that_is_cut_off_is_refused():
    whole = joined_values([b"one", b"two"])
    for end in range(len(whole)):
        if end not in (0, 7):  # Between two values.
            with pytest.raises(ValueError, match="cut off"):
                cut_values(whole[:end])


@pytest.mark.parametrize("text", ["AP9h", "AP8=", "AP8", " AP\n8= ", ""])
def test_what_a_model_takes_as_bytes_the_payload_log_reads(text):
    instances = [{"x": {"b64": text}}, {"x": {"b64": "/w=="}}]
    texts = from_instances(instances, {"x": TEXT})["x"].tolist()
    logged = read_columns(json.dumps({"instances": instances}).encode())["x"].tolist()
    whole = "".join(text.split())
    assert texts == logged == [base64.b64decode(whole + "=" * (-len(whole) % 4)), b"\xff"]


@pytest.mark.parametrize("text", ["*", "a", "AP8=AP8=", "é", 3, None, ["AA=="]])
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        bytes_of_base64(text)

"""Messages of gRPC and bodies of HTTP say the same; `test_local_grpc` runs this file."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from open_inference.grpc import protocol

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.serving.protocol import inference_v2
from kanaria.serving.protocol.inference_messages import body_of, response_of
from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.protocol.tensors import DTYPES, joined_values

FIELDS = {  # As the comments of open_inference_grpc.proto have it.
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@st.composite
def tensors(draw):
    """A datatype with a typed field, a shape, and values of any bits."""
    datatype, shape = draw(st.sampled_from(sorted(FIELDS))), draw(SHAPES)
    if datatype == "BYTES":
        values = draw(
            arrays.arrays(object, shape, elements=st.binary(max_size=5), fill=st.just(b""))
        )
    else:
        values = draw(arrays.arrays(DTYPES[datatype], shape))
    return datatype, values


def raw(values):
    return joined_values(values.flat) if values.dtype == object else values.tobytes()


def request(datatype, values, *, is_raw):
    message = protocol.ModelInferRequest(model_name="m", id="a")
    one = message.inputs.add(name="x", datatype=datatype, shape=values.shape)
    if is_raw:
        message.raw_input_contents.append(raw(values))
    else:
        getattr(one.contents, FIELDS[datatype]).extend(values.reshape(-1).tolist())
    return message


def same(left, right):
    """Equal bits, but NaN is NaN: a double does not hold every NaN of a float."""
    if left.dtype.kind == "f":
        return left.shape == right.shape and np.array_equal(left, right, equal_nan=True)
    return left.shape == right.shape and left.tolist() == right.tolist()


@given(tensors(), st.booleans())
def test_a_model_gets_the_values_of_a_message_and_its_answer_comes_back_as_raw(tensor, is_raw):
    datatype, values = tensor
    inputs = {"x": Input(dtype=values.dtype, shape=None, required=False)}
    read = inference_v2.read(*body_of(request(datatype, values, is_raw=is_raw)), inputs, ["y"])
    assert same(read.feed["x"], values)
    body, length = inference_v2.answer(read, {"y": read.feed["x"]}, "m", "1")
    response = response_of(body, length, is_raw=is_raw)
    assert (response.id, response.model_name, response.model_version) == ("a", "m", "1")
    (output,) = response.outputs
    assert (output.name, output.datatype, tuple(output.shape)) == ("y", datatype, values.shape)
    if is_raw:
        assert list(response.raw_output_contents) == [raw(values)]
        assert not output.HasField("contents")
    else:
        assert not response.raw_output_contents
        filled = {field.name for field, _ in output.contents.ListFields()}
        assert filled <= {FIELDS[datatype]}
        flat = np.empty(values.size, values.dtype)
        flat[:] = list(getattr(output.contents, FIELDS[datatype]))
        assert same(flat, values.reshape(-1))


def test_an_answer_with_a_half_float_is_raw_whatever_the_request_was():
    head = json.dumps(
        {
            "model_name": "m",
            "model_version": None,
            "id": "a",
            "outputs": [
                {"name": n, "datatype": d, "shape": [1], "parameters": {"binary_data_size": size}}
                for n, d, size in (("h", "FP16", 2), ("i", "INT32", 4))
            ],
        }
    ).encode()
    response = response_of(head + b"\x00\x3c" + struct.pack("<i", -7), len(head), is_raw=False)
    assert list(response.raw_output_contents) == [b"\x00\x3c", struct.pack("<i", -7)]


INT8 = ("INT8", np.array([1, 2], np.int8))


def changed(change):
    message = request(*INT8, is_raw=False)
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda m: m.inputs[0].contents.int_contents.append(128),
            "128 is beyond the range of int8",
        ),
        (lambda m: m.inputs[0].contents.fp32_contents.append(1), "INT8 stands in int_contents"),
        (lambda m: m.raw_input_contents.append(b"\1\2"), "contents beside raw_input_contents"),
        (lambda m: m.raw_input_contents.extend([b"", b""]), "2 raw_input_contents for 1 inputs"),
        (lambda m: setattr(m.inputs[0], "datatype", "FP16"), "'FP16' has no contents"),
        (lambda m: setattr(m.inputs[0], "datatype", ""), "'' has no contents"),
    ],
)
def test_contents_that_contradict_the_protocol_are_refused(change, why):
    with pytest.raises(RequestError, match=why):
        body_of(changed(change))


def test_parameters_and_wanted_outputs_are_asked_for_as_in_http():
    message = request(*INT8, is_raw=False)
    message.parameters["content_type"].string_param = "pd"
    message.inputs[0].parameters["binary_data_size"].int64_param = 99  # As KServe's client sends.
    message.outputs.add(name="y").parameters["binary_data"].bool_param = False
    body, length = body_of(message)
    document = json.loads(body[:length])
    assert document["parameters"] == {"content_type": "pd", "binary_data_output": True}
    assert document["inputs"][0]["parameters"] == {"binary_data_size": 2}
    assert document["outputs"] == [{"name": "y", "parameters": {"binary_data": True}}]

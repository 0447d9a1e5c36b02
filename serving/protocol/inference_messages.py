"""Messages of the Open Inference Protocol's gRPC, to and from bodies of its HTTP. Pure.

    ModelInferRequest   -> a body of V2 whose tensors are all binary data, which asks for the same
    an answer's body    -> ModelInferResponse, raw if the request was, typed fields otherwise

Bytes of `raw_input_contents` are what binary data is, so that nothing is converted there. FP16 and
BF16 have no typed field: an answer with one of them is raw. What a tensor's bytes, shape and
datatype have to be is checked where they are read, as of HTTP.

Sources: Open Inference Protocol v2, open_inference_grpc.proto; KServe 0.20,
kserve/protocol/infer_type.py (an answer is as raw as its request) and grpc/servicer.py (raw and
typed contents exclude each other).
"""

import json
from collections.abc import Mapping
from typing import Any

from open_inference.grpc import protocol

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, written
from kanaria.serving.protocol.tensor_contents import fill, packed, packed_size
from kanaria.serving.protocol.tensors import BINARY_ONLY

SIZE = "binary_data_size"
Body = tuple[bytes, int]
"""A body, and how long its JSON is."""


def body_of(request: protocol.ModelInferRequest) -> Body:
    """Return the body that asks in HTTP what a message asks.

    Raises:
        RequestError: its contents contradict the protocol.
    """
    tails = _tails(request)
    parameters = {**_values(request.parameters), "binary_data_output": True}
    document: dict[str, Any] = {"id": request.id} if request.id else {}
    document |= {
        "parameters": parameters,
        "inputs": [
            {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": list(tensor.shape),
                "parameters": {**_values(tensor.parameters), SIZE: len(tail)},
            }
            for tensor, tail in zip(request.inputs, tails, strict=True)
        ],
    }
    if request.outputs:
        document["outputs"] = [
            {"name": one.name, "parameters": {**_values(one.parameters), "binary_data": True}}
            for one in request.outputs
        ]
    head = written(document)
    return b"".join((head, *tails)), len(head)


def body_size(request: protocol.ModelInferRequest) -> int:
    """Return about how many bytes the body would have: eight times a message's, at worst."""
    if request.raw_input_contents:
        return request.ByteSize()
    return sum(packed_size(one.datatype.upper(), one.contents) for one in request.inputs)


def _tails(request: protocol.ModelInferRequest) -> list[bytes]:
    """Return the binary data of each input."""
    raw = request.raw_input_contents
    if not raw:
        return [packed(one.name, one.datatype.upper(), one.contents) for one in request.inputs]
    if len(raw) != len(request.inputs):
        why = f"{len(raw)} raw_input_contents for {len(request.inputs)} inputs; send one each"
        raise RequestError(f"inputs: {why}")
    both = [one.name for one in request.inputs if one.HasField("contents")]
    if both:
        raise RequestError(
            f"inputs {shown(both)}: contents beside raw_input_contents; send all inputs in one form"
        )
    return list(raw)


def _values(parameters: Mapping[str, protocol.InferParameter]) -> dict[str, Any]:
    return {
        name: getattr(one, kind) if (kind := one.WhichOneof("parameter_choice")) else None
        for name, one in parameters.items()
    }


def response_of(body: bytes, json_length: int, *, is_raw: bool) -> protocol.ModelInferResponse:
    """Return an answer's body as a message.

    Args:
        body: JSON, then the binary data of every output.
        json_length: how long the JSON is.
        is_raw: whether the values are wanted as bytes.
    """
    document, place = json.loads(body[:json_length]), json_length
    response = protocol.ModelInferResponse(
        model_name=document["model_name"],
        model_version=document["model_version"] or "",
        id=document["id"],
    )
    is_raw = is_raw or any(one["datatype"] in BINARY_ONLY for one in document["outputs"])
    for one in document["outputs"]:
        size = one["parameters"][SIZE]
        data, place = body[place : place + size], place + size
        output = response.outputs.add(
            name=one["name"], datatype=one["datatype"], shape=one["shape"]
        )
        if is_raw:
            output.parameters[SIZE].int64_param = size  # As KServe's server has it.
            response.raw_output_contents.append(data)
        else:
            fill(output.contents, one["datatype"], data)
    return response


def metadata_of(document: Mapping[str, Any]) -> protocol.ModelMetadataResponse:
    """Return what `GET /v2/models/NAME` answers as a message."""
    message = protocol.ModelMetadataResponse(
        name=document["name"], versions=document["versions"], platform=document["platform"]
    )
    for field, tensors in (
        (message.inputs, document["inputs"]),
        (message.outputs, document["outputs"]),
    ):
        for one in tensors:
            field.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
    return message

"""Asks by KServe's own client: python kserve_client.py ADDRESS MODEL; rows are JSON as input."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest


async def ask(address: str, model: str, rows: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"):
    async with InferenceGRPCClient(address) as client:
        assert await client.is_server_live()
        assert await client.is_model_ready(model)
        tensor = InferInput("input-0", list(rows.shape), "FP32")
        for is_raw in (True, False):
            tensor.set_data_from_numpy(rows, binary_data=is_raw)
            answer = await client.infer(InferRequest(model, [tensor], request_id="mine"))
            yield answer.id, answer.outputs[0].as_numpy().tolist()


async def printed() -> None:
    rows = np.array(json.load(sys.stdin), np.float32)
    print(json.dumps([answer async for answer in ask(sys.argv[1], sys.argv[2], rows)]))


if __name__ == "__main__":
    asyncio.run(printed())

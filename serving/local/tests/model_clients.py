"""Small SavedModels behind a predictor's application, and a client of it in this process."""

import asyncio
import json

import httpx
import tensorflow as tf

from kanaria.serving.local.predictor.http_api import application
from kanaria.serving.local.predictor.model_calls import Calls
from kanaria.serving.local.predictor.saved_model import SavedModel

Spec = tf.TensorSpec
LENGTH = "Inference-Header-Content-Length"


class Client:
    """A client of an application in this process; what that raises is raised here."""

    def __init__(self, app):
        self.app = app

    def request(self, method, path, **more):
        async def answer():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(method, path, **more)

        return asyncio.run(answer())

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, **more):
        return self.request("POST", path, **more)


def values(x):
    """One row an instance, but `names` and `total`; a negative x is a fault of the model's."""

    def fail():
        size = tf.strings.length(tf.io.read_file("/no/file"))
        return tf.fill(tf.shape(x), tf.cast(size, tf.float32))

    y = tf.cond(tf.reduce_any(x < 0), fail, lambda: x * 2)
    return {"y": y, "root": tf.sqrt(x) / tf.sqrt(x), "total": tf.reduce_sum(x)}


def texts(t):
    return {"same": t, "half_bytes": t, "first": t[0]}


def halves(h, b):
    return {"h": h, "b": b, "wide": tf.cast(h, tf.float32)}


def numbers(i, u, d, flag):
    return {"i": i, "u": u, "d": d, "no": tf.logical_not(flag)}


def waves(x):
    return {"wave": tf.signal.fft(tf.cast(x, tf.complex64)), "size": tf.size(x)}


def looked_up(i):
    return {"price": tf.gather(tf.constant([0.25, 0.75]), i)}


MODELS = {
    "values": (values, [Spec([None], tf.float32, "x")]),
    "texts": (texts, [Spec([None], tf.string, "t")]),
    "halves": (halves, [Spec([None], tf.float16, "h"), Spec([None], tf.bfloat16, "b")]),
    "numbers": (
        numbers,
        [
            Spec([None], tf.int64, "i"),
            Spec([None], tf.uint64, "u"),
            Spec([None], tf.float64, "d"),
            Spec([None], tf.bool, "flag"),
        ],
    ),
    "waves": (waves, [Spec([None], tf.float32, "x")]),
    "lookedup": (looked_up, [Spec([None], tf.int64, "i")]),
}


def saved(folder, function, specs):
    """Save a model below its folder, and load it."""
    module = tf.Module()
    module.f = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder / "3"), signatures=module.f)
    return SavedModel(folder.name, folder)


def asking(root, protocol, path):
    """Return a function that asks a model: name, body, headers -> answer."""
    models = {name: saved(root / name, *parts) for name, parts in MODELS.items()}
    clients = {n: Client(application(model, protocol, Calls())) for n, model in models.items()}

    def ask(name, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return clients[name].post(path.format(name), content=content, headers=headers)

    return ask


def predicting(root):
    """Return a function that asks a model in V1."""
    return asking(root, "v1", "/v1/models/{}:predict")


def inferring(root):
    """Return a function that asks a model in V2; `length` is that of the JSON before bytes."""
    ask = asking(root, "v2", "/v2/models/{}/infer")

    def infer(name, body, length=None, **headers):
        return ask(name, body, **headers, **({LENGTH: str(length)} if length is not None else {}))

    return infer


def x(sent=(1.0,), /, **more):
    """The tensor x; a member that is ... is left out."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [len(sent)], "data": list(sent)}
    return {k: v for k, v in (tensor | more).items() if v is not ...}


def outputs(answer):
    return {o["name"]: (o["datatype"], o["shape"], o["data"]) for o in answer.json()["outputs"]}

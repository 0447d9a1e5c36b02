"""One revision's predictor: a model that answers as TensorFlow Serving, KServe or Triton do.

TensorFlow takes seconds to import, so `predictor_host` imports this module once and forks a
predictor from it in milliseconds.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
import uvicorn
from starlette.types import ASGIApp

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.serving.local.predictor.http_api import Model, application
from kanaria.serving.local.predictor.kserve_model import KServeModel
from kanaria.serving.local.predictor.model_calls import Calls
from kanaria.serving.local.predictor.saved_model import SavedModel
from kanaria.serving.local.predictor.triton_model import TritonModel
from kanaria.serving.trace_settings import request_traces

GRACE_SECONDS = 30
KEEP_ALIVE_SECONDS = 65
"""Longer than the router keeps an idle connection: it is the router that closes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
    """What one predictor serves.

    Attributes:
        model_dir: the model's parent folder.
        namespace: of the service.
        name: of the service, which is the model's.
        revision: of the service.
        port: that it listens on.
        protocol: "v1" or "v2".
        model_format: name of KServe's model format.
        probabilities: whether a scikit-learn classifier answers predict_proba.
    """

    model_dir: str
    namespace: str
    name: str
    revision: str
    port: int
    protocol: str
    model_format: str = Framework.TENSORFLOW.value
    probabilities: bool = False


def run(options: Predictor) -> None:
    """Load the model, then serve it until the process is ended.

    Raises:
        SystemExit: the model does not load; the cause is the last line of the log.
    """
    json_log.configure(
        "%(message)s",
        namespace=options.namespace,
        service=options.name,
        revision=options.revision,
    )
    # The machine is shared by all revisions, the router and the client.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    try:
        model = _loaded(options)
    except (OSError, ValueError, TypeError, DataError, tf.errors.OpError) as error:
        sys.exit(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
    uvicorn.run(
        _traced(application(model, options.protocol, Calls()), options),
        host="127.0.0.1",
        port=options.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _loaded(options: Predictor) -> Model:
    folder = Path(options.model_dir)
    if options.model_format == Framework.TENSORFLOW:
        return SavedModel(options.name, folder)
    if options.model_format == Framework.ONNX:
        return TritonModel(options.name, folder)
    framework = Framework(options.model_format)
    return KServeModel(options.name, folder, framework, probabilities=options.probabilities)


def _traced(app: ASGIApp, options: Predictor) -> ASGIApp:
    traces = request_traces("kanaria-predictor")
    if traces is None:
        return app
    traces.end_at_sigterm()
    about = {
        "kanaria.namespace": options.namespace,
        "kanaria.service": options.name,
        "kanaria.revision": options.revision,
    }
    return traces.served(app, about)

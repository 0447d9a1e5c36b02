"""The process that explains: python -m kanaria.serving.local.explainer.explainer_process PORT PID.

Which predictor answers, and what is compared with, the server says in headers of each request.
It works on processor time that others leave.
"""

import os
import sys
from collections.abc import Mapping
from functools import lru_cache

import uvicorn

from kanaria.components.shared import json_log
from kanaria.components.shared.artifacts.release import samples_beside
from kanaria.components.shared.command_line import code_of
from kanaria.components.shared.process_lifeline import die_with
from kanaria.serving.explainer import background_rows
from kanaria.serving.explainer.explain_request import Limits
from kanaria.serving.explainer.explainer_server import run
from kanaria.serving.explainer.explanations import Target
from kanaria.serving.explainer.http_routes import application
from kanaria.serving.explainer.predictor_calls import Predictor
from kanaria.serving.explainer.row_codes import Row
from kanaria.serving.explainer.row_form import RowForm
from kanaria.serving.local.explainer.explainer_client import (
    MODEL_HEADER,
    PREDICTOR_HEADER,
    PROTOCOL_HEADER,
)

NICENESS = 10
ROWS_PER_CALL = 500
"""A predictor of this machine reads JSON a request at a time: others wait for no longer."""


@lru_cache(maxsize=32)
def _background(uri: str) -> tuple[Row, ...]:
    """Return a release's rows, which never change."""
    return background_rows.read(uri)


@lru_cache(maxsize=32)
def _form(uri: str, protocol: str) -> RowForm:
    return background_rows.form(uri, protocol)


def target_of(name: str, headers: Mapping[str, str]) -> Target:
    """Return the model that the server chose, by the headers of a request."""
    samples = samples_beside(headers[MODEL_HEADER])
    return Target(
        predictor=Predictor(
            url=f"http://127.0.0.1:{int(headers[PREDICTOR_HEADER])}",
            name=name,
            form=_form(samples, headers[PROTOCOL_HEADER]),
            rows_per_call=ROWS_PER_CALL,
        ),
        background=_background(samples),
        where=samples,
    )


def _serve() -> int:
    port, server = map(int, sys.argv[1:])
    die_with(server)
    os.nice(NICENESS)
    json_log.configure("%(message)s")
    run(uvicorn.Config(application(target_of, Limits())), "127.0.0.1", port)


if __name__ == "__main__":
    sys.exit(code_of(_serve))

"""When traces are on, and that nothing of them is there when they are off."""

import subprocess
import sys

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.trace_settings import is_on

HERE = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "otlp"}, False),
        ({"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            True,
        ),
    ],
)
def test_the_standard_variables_turn_them_on(environment: dict[str, str], on: bool):
    assert is_on(environment) is on


def test_what_is_not_there_is_refused_all_at_once():
    with pytest.raises(ParameterError) as caught:
        is_on({"OTEL_TRACES_EXPORTER": "zipkin"})
    assert str(caught.value) == "traces: OTEL_TRACES_EXPORTER='zipkin': use otlp or none"
    with pytest.raises(ParameterError, match="use http/protobuf, which collectors take at port"):
        is_on({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_off_nothing_of_opentelemetry_is_loaded_and_nothing_lies_in_a_requests_way():
    code = """
import asyncio, sys
from kanaria.serving.drift_server import command_options, http_routes
from kanaria.serving.local import server as local
from kanaria.serving.local.payload_logger.event_sinks import PayloadLog
from kanaria.serving.local.router.logged_exchange import Exchanges
from kanaria.serving.local.router.predictor_client import Predictors
from kanaria.serving.stream import run_stream
from kanaria.serving.trace_settings import request_traces
assert request_traces("kanaria-router") is None
async def main():
    log = PayloadLog(lambda *_: None)
    exchanges = Exchanges(log, 1.0)
    assert type(exchanges._predictors) is Predictors and exchanges._log is log
    await exchanges.close()
    await log.close()
asyncio.run(main())
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-I", "-c", code], check=True, env={})

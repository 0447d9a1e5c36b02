"""Whether this process traces its requests, by OpenTelemetry's own variables. Loads nothing of it.

    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   turn it on
    OTEL_TRACES_EXPORTER=otlp     turns it on too, =none turns it off
    OTEL_SDK_DISABLED=true        turns it off
    OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_PROPAGATORS,
    OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_…   are read by OpenTelemetry itself

Source: OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter".
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kanaria.components.shared.config.parameters import Faults

if TYPE_CHECKING:
    from kanaria.serving.request_traces import RequestTraces

EXPORTER, DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
OTLP, NONE, PROTOCOL = "otlp", "none", "http/protobuf"


def is_on(environment: Mapping[str, str]) -> bool:
    """Tell whether the variables ask for traces.

    Raises:
        ParameterError: they ask for what is not there.
    """
    if environment.get(DISABLED, "").strip().lower() == "true":
        return False
    exporter = environment.get(EXPORTER, "").strip()
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), PROTOCOL)
    wanted = exporter == OTLP or (not exporter and any(map(environment.get, ENDPOINTS)))
    faults = Faults("traces")
    faults.check(exporter in ("", OTLP, NONE), EXPORTER, exporter, f"use {OTLP} or {NONE}")
    if wanted:
        remedy = f"use {PROTOCOL}, which collectors take at port 4318"
        faults.check(protocol.strip() == PROTOCOL, PROTOCOLS[1], protocol, remedy)
    faults.raise_if_any()
    return wanted


def request_traces(server: str) -> "RequestTraces | None":
    """Return what traces this process's requests, None where nothing asks for it.

    Args:
        server: what it is called where OTEL_SERVICE_NAME says nothing.

    Raises:
        ParameterError: a variable asks for what is not there.
    """
    if not is_on(os.environ):
        return None
    from kanaria.serving.request_traces import RequestTraces

    return RequestTraces(server)

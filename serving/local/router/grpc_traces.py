"""The span of a call over gRPC. Loaded only where traces are asked for.

Source: OpenTelemetry semantic conventions for gRPC.
"""

from open_inference.grpc import protocol
from starlette.responses import Response

from kanaria.serving.local.router.grpc_methods import SERVICE, Metadata, Methods, headers_of
from kanaria.serving.local.router.request_bodies import Intake
from kanaria.serving.local.router.service_calls import ServiceCalls
from kanaria.serving.request_traces import RequestTraces, note_answer

METHOD = "ModelInfer"
ABOUT = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": METHOD}


class TracedMethods(Methods):
    """Methods with a span for each question to a model."""

    def __init__(self, calls: ServiceCalls, intake: Intake, traces: RequestTraces) -> None:
        """Answer as `Methods` does."""
        super().__init__(calls, intake)
        self._traces = traces

    async def inferred(self, request: protocol.ModelInferRequest, metadata: Metadata) -> Response:
        """Return what HTTP answers to the request that asks what a message asks."""
        with self._traces.answering(f"{SERVICE}/{METHOD}", ABOUT, headers_of(metadata)) as span:
            response = await super().inferred(request, metadata)
            note_answer(span, response.status_code, response.raw_headers)
            return response

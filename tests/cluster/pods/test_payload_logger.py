import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from control_plane.layout import NODE_ADDRESS
from inference_services import InferenceServices, wait_until
from real_pods import Predictor, apply

from kanaria.serving.inference_service.spec import PayloadLog


class Sink:
    """Collects the events that KServe's payload logger sends: their headers and bodies."""

    def __init__(self):
        self.events: list[tuple[dict[str, str], dict]] = []
        events = self.events

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                events.append((headers, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((NODE_ADDRESS, 0), Handler)
        self.url = f"http://{NODE_ADDRESS}:{self.server.server_port}"

    def of(self, kind: str) -> dict[str, dict]:
        """The bodies of one kind of event by their id."""
        wanted = f"org.kubeflow.serving.inference.{kind}"
        return {head["ce-id"]: body for head, body in self.events if head["ce-type"] == wanted}


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = threading.Thread(target=sink.server.serve_forever)
    thread.start()
    yield sink
    sink.server.shutdown()
    thread.join()
    sink.server.server_close()


def test_every_request_and_its_answer_reach_the_sink_under_one_id(
    services: InferenceServices, publish, sink: Sink
):
    apply(services, publish("v1"), log=PayloadLog(url=sink.url))
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    client.versions(50)
    wait_until(lambda: len(sink.of("response")) >= 50)
    wait_until(lambda: sink.of("request").keys() == sink.of("response").keys())
    assert all(body == {"instances": [[1, 2]]} for body in sink.of("request").values())
    assert all(body["version"] == "v1" for body in sink.of("response").values())

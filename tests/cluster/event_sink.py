"""A receiver of CloudEvents on the node, which pods and drift servers reach."""

import http.server
import json

from control_plane.layout import NODE_ADDRESS


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

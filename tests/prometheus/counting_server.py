"""A server that counts its requests as a queue-proxy does: python counting_server.py PORT.

GET /answer?code=503&seconds=0.2   is answered with the code and counted with both
GET /scrapes?fail=1                lets scrapes fail (0: succeed) while requests are still answered
GET /metrics                       the counters
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from prometheus_client import REGISTRY, Histogram, generate_latest

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
SECONDS = Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP server requests.",
    ("http_response_status_code", "server_address"),
    buckets=BOUNDS,
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scrapes_fail = False

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/metrics":
            self.reply(503 if Handler.scrapes_fail else 200, generate_latest(REGISTRY))
        elif parts.path == "/scrapes":
            Handler.scrapes_fail = query["fail"] == "1"
            self.reply(200)
        else:
            # Counted before it is answered: whoever has the answer is in the counters.
            SECONDS.labels(query["code"], query["host"]).observe(float(query["seconds"]))
            self.reply(int(query["code"]))

    def reply(self, code, body=b""):
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

"""The one answer of KFP's API that report_run asks for, in the form that KFP 2.17 gives it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Api:
    """Keeps the address, what is answered, and the headers of each question."""

    def __init__(self, document: Any, code: int = 200) -> None:
        self.document, self.code, self.url = document, code, ""
        self.calls: list[tuple[str, str]] = []


@contextmanager
def answering(document: Any, code: int = 200) -> Iterator[Api]:
    """Run the API for the block's time."""
    api = Api(document, code)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.calls.append((self.path, self.headers.get("Authorization", "")))
            body = json.dumps(api.document).encode()
            self.send_response(api.code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        api.url = f"http://127.0.0.1:{http.server_port}"
        thread = Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield api
        http.shutdown()
        thread.join()


def run_document(run_id: str, **parameters: Any) -> dict[str, Any]:
    """Return a run of a pipeline whose default of `seed` is 0."""
    inputs = {
        "seed": {"defaultValue": 0, "parameterType": "NUMBER_INTEGER"},
        "train_steps": {"defaultValue": 1000, "parameterType": "NUMBER_INTEGER"},
        "data": {"parameterType": "STRING"},
    }
    return {
        "run_id": run_id,
        "state": "RUNNING",
        "runtime_config": {"parameters": parameters, "pipeline_root": "s3://artifacts"},
        "pipeline_spec": {
            "pipeline_spec": {"root": {"inputDefinitions": {"parameters": inputs}}},
            "platform_spec": {},
        },
    }

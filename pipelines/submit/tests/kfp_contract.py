"""A real HTTP server that answers as the REST API v2beta1 of Kubeflow Pipelines 2.17.0 does.

It refuses every field, type and query parameter that kfp_server_api's models do not have, so a
wrong request of ours fails the test. Lists are served in pages of two.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import kfp_tasks
from kfp_state import Frame, State
from kfp_strict import RefusedError, check, equals, invalid, not_found

PREFIX = "/apis/v2beta1/"
PAGE = 2
LIST_QUERY = {"page_token", "page_size", "sort_by", "filter", "namespace", "experiment_id"}
LISTS = {
    "pipelines": "Pipelines",
    "pipeline_versions": "PipelineVersions",
    "experiments": "Experiments",
    "recurringRuns": "RecurringRuns",
}
Entry = dict[str, Any]


def listed(name: str, entries: list[Entry], query: dict[str, str]) -> Entry:
    """Return a page as the server does: filtered, a token for the next one, no empty field."""
    if unknown := set(query) - LIST_QUERY:
        raise invalid(f"unknown query {unknown}")
    wanted = equals(query.get("filter", ""))
    fitting = [e for e in entries if wanted is None or e.get(wanted[0]) == wanted[1]]
    start = int(query.get("page_token") or 0)
    page: Entry = {name: fitting[start : start + PAGE], "total_size": len(fitting)}
    if start + PAGE < len(fitting):
        page["next_page_token"] = str(start + PAGE)
    page = {key: value for key, value in page.items() if value}
    check(f"V2beta1List{LISTS[name]}Response", page, "answer")
    return page


@dataclass(frozen=True)
class Request:
    state: State
    names: tuple[str, ...]
    query: dict[str, str]
    body: bytes

    def model(self, kind: str) -> Entry:
        value = json.loads(self.body)
        check(kind, value)
        return value


def versions(request: Request) -> Entry:
    of_pipeline = request.state.versions_of(request.names[0])
    entries = request.state.visible("pipeline_versions", of_pipeline)
    return listed("pipeline_versions", entries, request.query)


def upload_version(request: Request) -> Entry:
    if set(request.query) != {"name", "pipelineid"}:
        raise invalid(f"unknown query {set(request.query)}")
    name, pipeline_id = request.query["name"], request.query["pipelineid"]
    return request.state.upload_version(pipeline_id, name, request.body.decode())


def table(name: str, attribute: str) -> Callable[[Request], Entry]:
    return lambda r: listed(name, r.state.visible(name, getattr(r.state, attribute)), r.query)


def run(request: Request) -> Entry:
    entry = request.state.look_at_run(request.names[0])
    check("V2beta1Run", entry, "answer")
    return entry


def end(request: Request, call: Callable[[Entry, Any], Entry]) -> Entry:
    return call(request.state.known_run(request.names[0]), Frame)


ROUTES: dict[str, Callable[[Request], Entry]] = {
    "GET healthz": lambda _: {},
    "GET pipelines": table("pipelines", "pipelines"),
    "POST pipelines": lambda r: r.state.create_pipeline(r.model("V2beta1Pipeline")),
    "GET pipelines/([^/]+)/versions": versions,
    "POST pipelines/upload_version": upload_version,
    "GET experiments": table("experiments", "experiments"),
    "POST experiments": lambda r: r.state.create_experiment(r.model("V2beta1Experiment")),
    "POST runs": lambda r: r.state.create_run(r.model("V2beta1Run")),
    "GET runs": lambda r: kfp_tasks.listed(list(r.state.runs.values()), r.query),
    "GET runs/([^/]+)": run,
    "POST runs/([^/]+):terminate": lambda r: end(r, r.state.ends.terminate),
    "POST runs/([^/]+):retry": lambda r: end(r, r.state.ends.retry),
    "GET experiments/([^/]+)": lambda r: r.state.experiments[r.names[0]],
    "GET pipelines/([^/]+)/versions/([^/]+)": lambda r: kfp_tasks.version(r.state, *r.names),
    "GET recurringruns": table("recurringRuns", "schedules"),
    "POST recurringruns": lambda r: r.state.create_schedule(r.model("V2beta1RecurringRun")),
    "POST recurringruns/([^/]+):enable": lambda r: r.state.switch_schedule(r.names[0], True),
    "POST recurringruns/([^/]+):disable": lambda r: r.state.switch_schedule(r.names[0], False),
    "DELETE recurringruns/([^/]+)": lambda r: r.state.delete_schedule(r.names[0]),
}


def answer(state: State, request_line: str, query: dict[str, str], body: bytes) -> Entry:
    """Return the answer to one request ("GET pipelines"); raise RefusedError for a wrong one."""
    for pattern, call in ROUTES.items():
        if match := re.fullmatch(pattern, request_line):
            return call(Request(state=state, names=match.groups(), query=query, body=body))
    raise not_found("Path", request_line)


def multipart_file(content_type: str, body: bytes) -> bytes:
    """Return the content of the field `uploadfile` of a multipart request."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "uploadfile":
            return bytes(part.get_payload(decode=True))
    raise RefusedError(400, 3, "Failed to read pipeline from file")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: Any) -> None:
        pass

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = f"{self.command} {url.path.removeprefix(PREFIX)}"
        self.server.contract.requests.append(call)
        try:
            self.refuse_if_told(url.path)
            if "multipart" in self.headers.get("Content-Type", ""):
                body = multipart_file(self.headers["Content-Type"], body)
            query = dict(parse_qsl(url.query))
            self.server.contract.namespaces.add(query.get("namespace", ""))
            self.reply(200, answer(self.server.contract.state, call, query, body))
        except RefusedError as refused:
            details = [{"@type": "google.rpc.Status", "message": refused.message}]
            text = f"InvalidInputError: {refused.message}"
            grpc = {"error": text, "code": refused.code, "message": text, "details": details}
            upload = {"error_message": refused.message, "error_details": refused.message}
            self.reply(refused.status, upload if "/upload" in url.path else grpc)

    def refuse_if_told(self, path: str) -> None:
        contract = self.server.contract
        bearer = self.headers.get("Authorization", "")
        if contract.token and bearer != f"Bearer {contract.token}":
            raise RefusedError(401, 16, "Request header error: there is no user identity header")
        for fault in contract.broken:
            if fault[0] in path:
                contract.broken.remove(fault)
                raise RefusedError(fault[1], 14, "upstream connect error")

    def reply(self, status: int, value: Entry) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = serve  # noqa: N815


class Server(ThreadingHTTPServer):
    def __init__(self, contract: "Contract") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.contract = contract


class Contract:
    """The server: its state, what it is told to break, and what it was asked."""

    def __init__(self) -> None:
        self.state = State()
        self.token = ""
        self.broken: list[tuple[str, int]] = []
        self.requests: list[str] = []
        self.namespaces: set[str] = set()
        self.http = Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def break_next(self, path: str, status: int, times: int = 1) -> None:
        """Answer the next requests whose path holds `path` with this status."""
        self.broken += [(path, status)] * times

    def requests_like(self, start: str) -> list[str]:
        return [request for request in self.requests if request.startswith(start)]


@contextmanager
def serving() -> Iterator[Contract]:
    """Run a server on a free port for the time of the block."""
    contract = Contract()
    thread = threading.Thread(target=contract.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield contract
    finally:
        contract.http.shutdown()
        contract.http.server_close()
        thread.join()

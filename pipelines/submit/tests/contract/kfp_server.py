"""A server that answers kfp's client as KFP 2.17.0 does, over real HTTP.

It was written from what a real server of that version answered. Requests are held against
`kfp_server_api`'s models: a field that KFP does not know, or a run of a version that does not
exist, is refused, so a wrong client fails here as it would there.
"""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api
import yaml

PREFIX = "/apis/v2beta1"
ALREADY_EXISTS, NOT_FOUND, INVALID, UNAUTHENTICATED = 6, 5, 3, 16
STATUS = {ALREADY_EXISTS: 409, NOT_FOUND: 404, INVALID: 400, UNAUTHENTICATED: 401}
Body = dict[str, Any]


class RefusedError(Exception):
    """An answer that is an error, by its gRPC code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def checked(body: Body, model: str) -> Body:
    """Return the body if its fields are those of kfp_server_api's model, nested ones too."""
    known = getattr(kfp_server_api, model)
    names = {json_name: name for name, json_name in known.attribute_map.items()}
    for key, value in body.items():
        if key not in names:
            raise RefusedError(INVALID, f'unknown field "{key}" of {model}')
        kind = known.openapi_types[names[key]]
        if isinstance(value, dict) and kind.startswith("V2beta1"):
            checked(value, kind)
    return body


@dataclass
class Script:
    """How runs go: what each look at a run finds, the last for ever.

    A look is the run's state and the states of its tasks by display name.
    """

    looks: list[tuple[str, dict[str, str]]] = field(default_factory=lambda: [("SUCCEEDED", {})])
    errors: dict[str, str] = field(default_factory=dict)
    keeps_history: bool = True


@dataclass
class State:
    """What the server holds; `away_after_start` calls after a run's start are answered 503."""

    script: Script = field(default_factory=Script)
    token: str = ""
    away_after_start: int = 0
    away: int = 0
    uploads: list[str] = field(default_factory=list)
    pipelines: dict[str, Body] = field(default_factory=dict)
    versions: dict[str, Body] = field(default_factory=dict)
    experiments: dict[str, Body] = field(default_factory=dict)
    runs: dict[str, Body] = field(default_factory=dict)
    schedules: dict[str, Body] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self, kind: str) -> str:
        return f"{kind}-{next(self.ids)}"


def page(key: str, items: list[Body], query: dict[str, str]) -> Body:
    """Return a page of a list, two items long at most, so that clients must turn pages."""
    if "filter" in query:
        wanted = json.loads(query["filter"])["predicates"][0]
        assert wanted["key"] == "display_name"
        items = [item for item in items if item["display_name"] == wanted["stringValue"]]
    start = int(query.get("page_token") or 0)
    found: Body = {key: items[start : start + 2], "total_size": len(items)}
    if start + 2 < len(items):
        found["next_page_token"] = str(start + 2)
    return found


def upload_pipeline(state: State, query: dict[str, str], body: Any) -> Body:
    name = query["name"]
    if any(found["display_name"] == name for found in state.pipelines.values()):
        raise RefusedError(ALREADY_EXISTS, f"The name {name} already exist")
    pipeline = {"pipeline_id": state.new_id("pipeline"), "display_name": name}
    state.pipelines[pipeline["pipeline_id"]] = pipeline
    add_version(state, pipeline["pipeline_id"], name, body)
    return pipeline


def upload_version(state: State, query: dict[str, str], body: Any) -> Body:
    return add_version(state, query["pipelineid"], query["name"], body)


def add_version(state: State, pipeline_id: str, name: str, text: str) -> Body:
    if pipeline_id not in state.pipelines:
        raise RefusedError(NOT_FOUND, f"Pipeline {pipeline_id} not found")
    document = next(yaml.safe_load_all(text))
    version = {
        "pipeline_id": pipeline_id,
        "pipeline_version_id": state.new_id("version"),
        "display_name": name,
        "pipeline_spec": document,
    }
    state.uploads.append(name)
    state.versions[version["pipeline_version_id"]] = version
    return version


def list_versions(state: State, query: dict[str, str], body: Any, pipeline_id: str) -> Body:
    found = [v for v in state.versions.values() if v["pipeline_id"] == pipeline_id]
    return page("pipeline_versions", found, query)


def create_experiment(state: State, query: dict[str, str], body: Any) -> Body:
    made = {"experiment_id": state.new_id("experiment"), **checked(body, "V2beta1Experiment")}
    state.experiments[made["experiment_id"]] = made
    return made


def _check_runnable(state: State, body: Body) -> None:
    if body["experiment_id"] not in state.experiments:
        raise RefusedError(NOT_FOUND, f"Experiment {body['experiment_id']} not found")
    reference = body["pipeline_version_reference"]
    version = state.versions.get(reference["pipeline_version_id"])
    if version is None or version["pipeline_id"] != reference["pipeline_id"]:
        raise RefusedError(NOT_FOUND, "PipelineVersion not found")
    inputs = version["pipeline_spec"]["root"].get("inputDefinitions", {}).get("parameters", {})
    given = body.get("runtime_config", {}).get("parameters", {})
    unknown = set(given) - set(inputs)
    missing = {n for n, d in inputs.items() if not d.get("isOptional")} - set(given)
    if unknown or missing:
        raise RefusedError(
            INVALID, f"parameters unknown: {sorted(unknown)}, missing: {sorted(missing)}"
        )


def create_run(state: State, query: dict[str, str], body: Any) -> Body:
    _check_runnable(state, checked(body, "V2beta1Run"))
    run = {**body, "run_id": state.new_id("run"), "state": "PENDING"}
    state.runs[run["run_id"]] = run
    state.away = state.away_after_start
    return run


def _task(run_id: str, name: str, stand: str, error: str) -> Body:
    task: Body = {"run_id": run_id, "task_id": f"{run_id}-{name}", "display_name": name}
    task["state"] = stand
    if stand != "PENDING":
        task["start_time"] = "2026-03-01T06:00:00Z"
    if stand in ("SUCCEEDED", "FAILED"):
        task["end_time"] = "2026-03-01T06:00:07Z"
    if error and stand == "FAILED":
        task["error"] = {"code": 13, "message": error}
    return task


def get_run(state: State, query: dict[str, str], body: Any, run_id: str) -> Body:
    if run_id not in state.runs:
        raise RefusedError(NOT_FOUND, f"Run {run_id} not found")
    looks, count = state.script.looks, state.looks.get(run_id, 0)
    state.looks[run_id] = count + 1
    stand, tasks = looks[min(count, len(looks) - 1)]
    own = [_task(run_id, n, s, state.script.errors.get(n, "")) for n, s in tasks.items()]
    # The real list holds Argo's own nodes too, one of them without a name.
    argo = [_task(run_id, name, "SUCCEEDED", "") for name in ("executor", "root-driver", "")]
    run = {**state.runs[run_id], "run_details": {"task_details": [*argo, *own]}}
    if stand:
        run["state"] = stand
    else:
        run.pop("state", None)
    if state.script.keeps_history:
        seen = [look for look, _ in looks[: count + 1] if look]
        run["state_history"] = [{"state": look} for look in dict.fromkeys(seen)]
    return run


def create_schedule(state: State, query: dict[str, str], body: Any) -> Body:
    _check_runnable(state, checked(body, "V2beta1RecurringRun"))
    cron = body["trigger"].get("cron_schedule", {}).get("cron", "0 * * * * *")
    if len(cron.split()) != 6:
        raise RefusedError(INVALID, f"Schedule cron {cron} is not supported")
    if not 1 <= int(body["max_concurrency"]) <= 10:
        raise RefusedError(INVALID, "max_concurrency is out of range")
    status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body.pop("mode")]
    made = {**body, "recurring_run_id": state.new_id("schedule"), "status": status}
    state.schedules[made["recurring_run_id"]] = made
    return made


def change_schedule(
    state: State, query: dict[str, str], body: Any, schedule_id: str, verb: str
) -> Body:
    state.schedules[schedule_id]["status"] = {"enable": "ENABLED", "disable": "DISABLED"}[verb]
    return {}


def delete_schedule(state: State, query: dict[str, str], body: Any, schedule_id: str) -> Body:
    if state.schedules.pop(schedule_id, None) is None:
        raise RefusedError(NOT_FOUND, f"RecurringRun {schedule_id} not found")
    return {}


def _listed(key: str, attribute: str) -> Callable[..., Body]:
    return lambda state, query, body: page(key, list(getattr(state, attribute).values()), query)


ROUTES: list[tuple[str, str, Callable[..., Body]]] = [
    ("GET", "/healthz", lambda state, query, body: {"multi_user": False}),
    ("GET", "/pipelines", _listed("pipelines", "pipelines")),
    ("POST", "/pipelines/upload", upload_pipeline),
    ("POST", "/pipelines/upload_version", upload_version),
    ("GET", "/pipelines/([^/]+)/versions", list_versions),
    ("GET", "/experiments", _listed("experiments", "experiments")),
    ("POST", "/experiments", create_experiment),
    ("POST", "/runs", create_run),
    ("GET", "/runs/([^/]+)", get_run),
    ("GET", "/recurringruns", _listed("recurringRuns", "schedules")),
    ("POST", "/recurringruns", create_schedule),
    ("POST", "/recurringruns/([^/]+):(enable|disable)", change_schedule),
    ("DELETE", "/recurringruns/([^/]+)", delete_schedule),
]


def answer(state: State, method: str, path: str, body: Any) -> Body:
    parts = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    for wanted, pattern, action in ROUTES:
        found = re.fullmatch(PREFIX + pattern, parts.path)
        if wanted == method and found:
            return action(state, query, body, *found.groups())
    raise RefusedError(NOT_FOUND, f"{method} {parts.path}: no such call")


def uploaded(headers: Message, data: bytes) -> str:
    """Return the file of a multipart upload; the client names it uploadfile."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + data).get_payload()
    [part] = [p for p in parts if p.get_param("name", header="content-disposition") == "uploadfile"]
    return part.get_payload(decode=True).decode()


class Handler(BaseHTTPRequestHandler):
    """Reads a request, checks its token, and writes the answer or KFP's form of an error."""

    state: State

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.state.away:
            self.state.away -= 1
            self._write(503, {"message": "upstream connect error"})
            return
        if not self.path.startswith(PREFIX):
            self._write(404, {})
            return
        try:
            if self.state.token and self.headers["authorization"] != f"Bearer {self.state.token}":
                raise RefusedError(
                    UNAUTHENTICATED, "Request header error: there is no user identity"
                )
            multipart = "multipart" in self.headers.get("Content-Type", "")
            body = uploaded(self.headers, data) if multipart else json.loads(data or b"{}")
            self._write(200, answer(self.state, self.command, self.path, body))
        except RefusedError as error:
            found = {"error": str(error), "code": error.code, "message": str(error), "details": []}
            self._write(STATUS[error.code], found)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def _write(self, status: int, body: Body) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[tuple[str, State]]:
    """Yield the URL and the state of a new server."""
    state = State()
    handler = type("StatefulHandler", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

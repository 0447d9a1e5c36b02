"""What is posted when a run has ended: a CloudEvent, or a text for a chat's webhook. Pure.

Source: CloudEvents 1.0, HTTP protocol binding (binary and structured mode) and JSON format.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kanaria.components.report.markdown import headline
from kanaria.components.report.run_outcome import Happened, first_cause
from kanaria.serving.protocol.cloud_event_modes import JSON_FORMAT, binary_headers

TYPE = "io.kanaria.run"
LONGEST = 1_000
"""Characters of one cause; receivers take events of 64 KiB."""
MOST_CAUSES = 20
SERVED = ("namespace", "name", "revision", "percent", "storage_uri", "url")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One HTTP request's headers and body."""

    headers: Mapping[str, str]
    body: bytes


def _attributes(run: Happened) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "type": f"{TYPE}.{run.outcome}",
        "source": quote(f"/kanaria/pipelines/{run.pipeline}"),
        "id": run.run_id,  # One event a run: what is sent again is the same event.
        "subject": f"{run.pipeline}/{run.run_id}",
        "time": run.ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def data(run: Happened, summary_uri: str, version: str) -> dict[str, Any]:
    """Return the event's data.

    Args:
        run: the run.
        summary_uri: where the Markdown is kept.
        version: of Kanaria.
    """
    started = run.started.isoformat().replace("+00:00", "Z") if run.started else None
    endpoint = run.left.endpoint
    served = {name: endpoint[name] for name in SERVED if endpoint.get(name) not in (None, "")}
    return {
        "pipeline": run.pipeline,
        "run_id": run.run_id,
        "run_name": run.run_name,
        "outcome": str(run.outcome),
        "started": started,
        "seconds": round(run.seconds, 1) if run.started else None,
        "causes": [
            {"step": cause.step, "text": cause.text[:LONGEST]} for cause in run.causes[:MOST_CAUSES]
        ],
        "endpoint": served if endpoint.get("pushed") else None,
        "summary": summary_uri,
        "kanaria": version,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _structured(run: Happened, content: Mapping[str, Any]) -> Message:
    event = {**_attributes(run), "datacontenttype": "application/json", "data": content}
    headers = {"content-type": f"{JSON_FORMAT}; charset=utf-8"}
    return Message(headers=headers, body=_json(event))


def _binary(run: Happened, content: Mapping[str, Any]) -> Message:
    headers = binary_headers(_attributes(run)) | {"content-type": "application/json"}
    return Message(headers=headers, body=_json(content))


def _webhook(run: Happened, _: Mapping[str, Any]) -> Message:
    """Return what Slack, Mattermost, Google Chat and others take: a text and nothing else."""
    cause = first_cause(run)[:LONGEST]
    name = run.run_name or run.run_id
    line = f"{headline(run)}, run {name}" + (f": {cause}" if cause else "")
    return Message(headers={"content-type": "application/json"}, body=_json({"text": line}))


Form = Callable[[Happened, Mapping[str, Any]], Message]
FORMATS: Mapping[str, Form] = {
    "cloudevent": _structured,
    "cloudevent-binary": _binary,
    "webhook": _webhook,
}
"""Name of a format -> what makes a message of a run and the event's data."""

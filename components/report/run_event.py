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
from kanaria.serving.protocol.cloud_event import JSON_FORMAT, binary_headers

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


def _attributes(found: Happened) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "type": f"{TYPE}.{found.outcome}",
        "source": quote(f"/kanaria/pipelines/{found.pipeline}"),
        "id": found.run_id,  # One event a run: what is sent again is the same event.
        "subject": f"{found.pipeline}/{found.run_id}",
        "time": found.ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def data(found: Happened, summary_uri: str, version: str) -> dict[str, Any]:
    """Return the event's data.

    Args:
        found: the run.
        summary_uri: where the Markdown is kept.
        version: of Kanaria.
    """
    started = found.started.isoformat().replace("+00:00", "Z") if found.started else None
    endpoint = found.left.endpoint
    served = {name: endpoint[name] for name in SERVED if endpoint.get(name) not in (None, "")}
    return {
        "pipeline": found.pipeline,
        "run_id": found.run_id,
        "run_name": found.run_name,
        "outcome": str(found.outcome),
        "started": started,
        "seconds": round(found.seconds, 1) if found.started else None,
        "causes": [
            {"step": cause.step, "text": cause.text[:LONGEST]}
            for cause in found.causes[:MOST_CAUSES]
        ],
        "endpoint": served if endpoint.get("pushed") else None,
        "summary": summary_uri,
        "kanaria": version,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _structured(found: Happened, content: Mapping[str, Any]) -> Message:
    event = {**_attributes(found), "datacontenttype": "application/json", "data": content}
    headers = {"content-type": f"{JSON_FORMAT}; charset=utf-8"}
    return Message(headers=headers, body=_json(event))


def _binary(found: Happened, content: Mapping[str, Any]) -> Message:
    headers = binary_headers(_attributes(found)) | {"content-type": "application/json"}
    return Message(headers=headers, body=_json(content))


def _webhook(found: Happened, _: Mapping[str, Any]) -> Message:
    """Return what Slack, Mattermost, Google Chat and others take: a text and nothing else."""
    cause = first_cause(found)[:LONGEST]
    name = found.run_name or found.run_id
    line = f"{headline(found)}, run {name}" + (f": {cause}" if cause else "")
    return Message(headers={"content-type": "application/json"}, body=_json({"text": line}))


Form = Callable[[Happened, Mapping[str, Any]], Message]
FORMATS: Mapping[str, Form] = {
    "cloudevent": _structured,
    "cloudevent-binary": _binary,
    "webhook": _webhook,
}
"""Name of a format -> what makes a message of a run and the event's data."""

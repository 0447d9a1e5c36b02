"""What a run says of the endpoint it pushed to: where it answers, or how to make it answer."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.command_line import program, typed
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import RunRecord
from kanaria.serving.local.state import state_folder
from kanaria.serving.protocol.row_request import body, is_sendable, predict_path

ENDPOINT, SAMPLES = "endpoint", "serving_samples"
USUAL_STATE = Path(".kanaria/serving")
USUAL_URL = "http://127.0.0.1:8080"
MOST_INLINE = 1500
"""Characters of a request that is shown; a longer one is written to a file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """What is said: sentences, and commands that are copied as they stand."""

    sentences: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def lines(record: RunRecord, root: Root) -> Lines:
    """Return what to say of each endpoint in the record of a finished run."""
    endpoints = [task.metadata[ENDPOINT] for task in record.tasks if task.metadata.get(ENDPOINT)]
    sentences, commands = [], []
    for pushed in endpoints:
        if not pushed.get("pushed"):
            sentences.append(f"endpoint: {pushed.get('reason', '')}")
            continue
        state = Path(os.environ.get("KANARIA_SERVING_ROOT", root.serving))
        url = state_folder.live_url(state)
        path = predict_path(pushed["name"], _protocol(pushed))
        share = f"{pushed['revision']} gets {pushed['percent']} %"
        where = f"of {url}{path}" if url else "once it is served"
        sentences.append(f"endpoint: {share} {where}; to ask it:")
        commands += [] if url else [_serve(state)]
        commands += _ask(record, f"{url or USUAL_URL}{path}", _protocol(pushed), root)
    return Lines(sentences=tuple(sentences), commands=tuple(commands))


def _protocol(pushed: Mapping[str, Any]) -> str:
    """Return what the service speaks; an endpoint of an earlier Kanaria does not say it."""
    return str(pushed.get("protocol") or "v1")


def _serve(state: Path) -> str:
    is_usual = state.absolute() == USUAL_STATE.absolute()
    return f"{program()} serve" + ("" if is_usual else f" --state {typed(state)}")


def _ask(record: RunRecord, url: str, protocol: str, root: Root) -> Iterator[str]:
    """Yield the command that sends one row of the model's evaluation data, if there is one."""
    row, samples = _row(record, protocol)
    if row is None or samples is None:
        return
    text = body(row, samples.inputs, protocol, samples.matrix).decode()
    if len(text) > MOST_INLINE:
        file = root.runs / record.run_id / "request.json"
        owner_only_files.write_text(file, text)
        yield f"curl {url} -d @{typed(file)}"
    else:
        yield f"curl {url} -d {shlex.quote(text)}"


def _row(
    record: RunRecord, protocol: str
) -> tuple[serving_samples.Row | None, serving_samples.ServingSamples | None]:
    folders = [task.artifacts[SAMPLES] for task in record.tasks if SAMPLES in task.artifacts]
    for folder in folders:
        try:
            samples = serving_samples.read(folder)
        except DataError:  # A pipeline of the user's own may call anything so.
            continue
        tensors = (*samples.inputs.values(), *samples.outputs.values())
        rows = (one.inputs for one in samples.rows if is_sendable(one.inputs, tensors, protocol))
        return next(rows, None), samples
    return None, None

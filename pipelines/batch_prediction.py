"""Batch prediction on this machine: what `kanaria predict` does.

Release and data are resolved here, as the pipeline `score` does; its step predict_batch runs as
`kanaria run` runs it, in the training runtime.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.resolve.deployed_release import release_of
from kanaria.components.resolve.span import resolve_span
from kanaria.components.resolve.span_choice import SpanRequest
from kanaria.components.shared.artifacts.metadata import rows as counted
from kanaria.components.shared.command_line import Stopped
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import owner_only_files, uri_files
from kanaria.pipelines import lineage
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.local import plan, progress, record, step
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.record import State, TaskRecord
from kanaria.pipelines.local.step import StepInputs, StepOutputs
from kanaria.serving.rollout.control.environment import connect
from kanaria.serving.traffic.find_traffic import namespace_of

TASK = "predict-batch"
SUMMARY = "scored.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Which model scores: a release by its URI, or the live one of a service.

    Attributes:
        release: path or URI of a release, or of the model in it; "" for the service's.
        service: name of an InferenceService.
        namespace: of the service, "" for the usual one.
        state: state folder of local serving.
    """

    release: str = ""
    service: str = ""
    namespace: str = ""
    state: str = ""

    def uri(self) -> str:
        """Return the URI of the release.

        Raises:
            DataError: it is no release, or the service serves none.
            ParameterError: there is no such service, or nothing is live there.
        """
        if self.release:
            return lineage.of_release(self.release).uri
        namespace = namespace_of(self.namespace, self.state)
        with connect(self.state) as place:
            status = place.traffic.observe(namespace, self.service)
        uri = release_of(status)
        if not uri:
            raise ParameterError(
                f"{namespace}/{self.service}: no such service, or no release is live there; look "
                "at --state and --namespace"
            )
        return uri


def _task() -> Task:
    compiled = next(iter(documents("score")))
    return next(task for task in plan.read(compiled).tasks if task.name == TASK)


def predict(
    model: Model, data: str, span: SpanRequest, values: Mapping[str, Any], root: Root
) -> Path:
    """Score rows; print what became of them, and return the path of the report.

    Args:
        model: which model.
        data: files, patterns or spans as resolve_span takes them, or a database.
        span: which spans.
        values: parameters of predict_batch beside release and data.
        root: where the step's log and report are kept.

    Raises:
        ParameterError: parameters are wrong; those of the step are all named.
        StepFailedError: the step failed; the message is its cause.
        KanariaError: as resolving raises it.
    """
    output = values["output"]
    place = output if is_database(output) else uri_files.absolute(output)
    release = uri_files.absolute(model.uri())
    parameters = {
        **values,
        "release": release,
        "data": resolve_span(data, span).data,
        "output": place,
    }
    outputs = _run(parameters, root)
    return _report_of(outputs, output)


def _run(parameters: Mapping[str, Any], root: Root) -> StepOutputs:
    """Run the step, and show how long it takes."""
    task, name = _task(), record.new("predict", {}, {}).run_id
    folder = root.path / "predictions" / name / TASK
    for each in (root.path, folder.parent.parent, folder.parent, folder):
        owner_only_files.folder(each)
    shown, began = progress.on(sys.stdout), time.monotonic()
    entry = TaskRecord(name=task.name, state=State.RUNNING)

    def tick() -> None:
        entry.seconds = round(time.monotonic() - began, 1)
        shown(entry)

    tick()
    ended = State.FAILED
    try:
        outputs = step.run(task, StepInputs(parameters=parameters, artifacts={}), folder, {}, tick)
        ended = State.SUCCEEDED
    except Stopped as stop:
        stop.remark = "; run it again: finished chunks stay"
        raise
    finally:
        entry.state = ended
        tick()
    return outputs


def _report_of(outputs: StepOutputs, output: str) -> Path:
    """Print where the rows are and how fast they came; return the report's path."""
    facts = outputs.artifacts["scored"].metadata
    chunks = "1 chunk" if facts["chunks"] == 1 else f"{facts['chunks']:,} chunks"
    before = facts["rows_before"]
    reused = f", {before:,} of them by an earlier try" if before else ""
    lines = [
        f"{counted(facts['rows'])} scored in {chunks}{reused}: {facts['rows_per_second']:,} rows/s",
        f"output: {output}, run_id {facts['run_id']}",
        f"drift: {facts['drift']}",
        *(f"note: {note}" for note in facts["notes"]),
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return Path(outputs.artifacts["report"].uri)

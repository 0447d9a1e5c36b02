"""The loop: one task after the other, each reused, skipped or run.

Tasks run one at a time: the steps that compute use all cores, and the light ones take a second.
Different runs may go on under one root at the same time: each has its own folder, and what they
share (results, published files) appears by a rename.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kanaria.components.shared import private, storage
from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.local import (
    arguments,
    cache,
    environment,
    exit_status,
    markdown_page,
    modules,
    pipeline_root,
    placeholders,
    record,
    report,
    skipped,
    step,
)
from kanaria.pipelines.local.plan import (
    Constant,
    FinalStatus,
    PipelineInput,
    Plan,
    Source,
    Task,
    TaskOutput,
)
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.step import Artifact, StepInputs, StepOutputs
from kanaria.pipelines.local.warm.provider import Provider

WARM_LOG = "warm/log.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """The folder of everything on this machine: runs, results to reuse, files, models, serving.

    `copies` is the pipeline root: the URI below which every output is published too, or "".
    """

    path: Path
    copies: str = ""

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.path / "runs"

    @property
    def cache(self) -> Path:
        """Results to reuse."""
        return self.path / "cache"

    @property
    def files(self) -> Path:
        """The user's files by content."""
        return self.path / "files"

    @property
    def models(self) -> Path:
        """Default folder of releases."""
        return self.path / "models"

    @property
    def serving(self) -> Path:
        """State folder of local serving."""
        return self.path / "serving"


def _as_declared(value: Any, kind: str) -> Any:
    """Undo the compiled form's one kind of number: an integer is written there as 3.0."""
    return int(value) if kind == "NUMBER_INTEGER" else value


class _Run:
    """One run under way."""

    def __init__(
        self, plan: Plan, values: Mapping[str, Any], root: Root, show: Callable[[TaskRecord], None]
    ) -> None:
        self.plan, self.values, self.show = plan, values, show
        self.cache = cache.Cache(root.cache)
        self.record = record.new(plan.name, values, [task.name for task in plan.tasks])
        self.folder = root.runs / self.record.run_id
        self.copies = storage.join(root.copies, self.record.run_id) if root.copies else ""
        self.extra = {
            "KANARIA_SERVING_ROOT": os.environ.get("KANARIA_SERVING_ROOT", str(root.serving))
        }
        self.warm = Provider(plan, self.extra, self.folder / WARM_LOG)
        self.outputs: dict[str, StepOutputs] = {}
        self.skipped: set[str] = set()
        self.was_stopped = False

    def value(self, source: Source) -> Any:
        match source:
            case Constant(value=value):
                return placeholders.filled(value, self.record.run_id, self.record.started)
            case PipelineInput(name=name):
                return self.values.get(name)
            case TaskOutput(task=task, key=key):
                return self.outputs[task].parameters[key]
            case FinalStatus(group=group, tasks=tasks):
                return exit_status.of(self.record, group, tasks, self.was_stopped)

    def inputs(self, task: Task) -> StepInputs:
        given = {name: self.value(source) for name, source in task.parameters.items()}
        definitions = task.component.get("inputDefinitions", {}).get("parameters", {})
        defaults = {n: d["defaultValue"] for n, d in definitions.items() if "defaultValue" in d}
        known = {name: value for name, value in given.items() if value is not None}
        return StepInputs(
            # Only the component's own inputs: a condition adds names it alone looks at.
            parameters={
                name: _as_declared(value, definitions[name]["parameterType"])
                for name, value in {**defaults, **known}.items()
                if name in definitions
            },
            artifacts={n: self.outputs[s.task].artifacts[s.key] for n, s in task.artifacts.items()},
        )

    def publish(self) -> Path:
        """Write the record and its page; return the page's path."""
        record.write(self.record, self.folder)
        return report.write(self.record, self.folder)

    def update(self, entry: TaskRecord, state: State) -> None:
        entry.state = state
        self.publish()
        self.show(entry)

    def task(self, task: Task, entry: TaskRecord) -> None:
        unwanted = skipped.reason(task, frozenset(self.skipped), self.value, self.outputs)
        if unwanted:
            self.skipped.add(task.name)
            entry.cause = unwanted
            self.update(entry, State.SKIPPED)
            return
        inputs = self.inputs(task)
        key = cache.key(task, inputs) if task.cached else ""
        found = self.cache.find(key, task) if key else None
        if not found:
            self.update(entry, State.RUNNING)
        outputs = self.with_copies(task, found or self.execute(task, entry, inputs))
        if key and outputs != found:
            self.cache.store(key, outputs)
        self.keep(task, entry, outputs)
        self.update(entry, State.REUSED if found else State.SUCCEEDED)

    def execute(self, task: Task, entry: TaskRecord, inputs: StepInputs) -> StepOutputs:
        folder = self.folder / task.name
        private.folder(folder)
        entry.log = str(folder / step.LOG)

        started = time.monotonic()

        def tick() -> None:
            entry.seconds = round(time.monotonic() - started, 1)
            self.show(entry)

        try:
            return step.run(task, inputs, folder, self.extra, tick, self.warm.of(task))
        finally:
            entry.seconds = round(time.monotonic() - started, 2)

    def with_copies(self, task: Task, outputs: StepOutputs) -> StepOutputs:
        if not self.copies:
            return outputs
        target = storage.join(self.copies, task.name)
        copied = {n: pipeline_root.copied(a, target) for n, a in outputs.artifacts.items()}
        return replace(outputs, artifacts=copied)

    def keep(self, task: Task, entry: TaskRecord, outputs: StepOutputs) -> None:
        self.outputs[task.name] = outputs
        self.with_pages(outputs.artifacts)
        entry.log, entry.peak_mb = outputs.log, outputs.peak_mb
        entry.parameters = dict(outputs.parameters)
        entry.artifacts = {name: found.uri for name, found in outputs.artifacts.items()}
        entry.copies = {n: found.copy for n, found in outputs.artifacts.items() if found.copy}
        entry.metadata = {n: dict(found.metadata) for n, found in outputs.artifacts.items()}

    def with_pages(self, artifacts: Mapping[str, Artifact]) -> None:
        for artifact in artifacts.values():
            markdown_page.write(artifact)

    def all_tasks(self) -> State:
        """Run the tasks up to the first that fails; exit tasks run whatever happened before.

        An exit task that fails is told of, and leaves the run the state that the others gave it:
        so Argo counts what KFP hooks onto an exit handler.
        """
        state = State.SUCCEEDED
        for task, entry in zip(self.plan.tasks, self.record.tasks, strict=True):
            if not self.is_due(task, state):
                continue
            try:
                ended = self.told(task, entry)
            except KeyboardInterrupt:
                self.exits_after_stop()
                raise
            state = state if task.exit_of else ended
        return state

    def told(self, task: Task, entry: TaskRecord) -> State:
        """Run one task; its record says why it failed."""
        try:
            self.task(task, entry)
        except (KanariaError, OSError) as error:
            entry.cause = str(error)
            left = error.left if isinstance(error, step.StepFailedError) else {}
            entry.artifacts = {name: artifact.uri for name, artifact in left.items()}
            self.with_pages(left)
            self.update(entry, State.FAILED)
            return State.FAILED
        except KeyboardInterrupt:
            entry.cause = "the runner was stopped"
            entry.state = State.FAILED
            raise
        return State.SUCCEEDED

    def is_due(self, task: Task, state: State) -> bool:
        """Tell whether it is a task's turn: an exit task's if one of those around it has begun."""
        if not task.exit_of:
            return state is State.SUCCEEDED
        return exit_status.has_begun(self.record, task.exit_of)

    def exits_after_stop(self) -> None:
        """Run the exit tasks that are left, silently, as KFP does when a run is terminated."""
        self.was_stopped, self.show = True, lambda _: None
        for task, entry in zip(self.plan.tasks, self.record.tasks, strict=True):
            if entry.state is State.PENDING and task.exit_of and self.is_due(task, State.FAILED):
                self.told(task, entry)

    def whole(self) -> Path:
        """Run all tasks; the record says how it ended, whatever happens. Return the report."""
        started = time.monotonic()
        self.publish()
        state = State.FAILED
        try:
            self.warm.begin()
            state = self.all_tasks()
        except KeyboardInterrupt:
            state = State.INTERRUPTED
            raise
        finally:
            self.warm.end()
            self.record.state = state
            self.record.seconds = round(time.monotonic() - started, 2)
            index = self.publish()
        return index


def run(
    plan: Plan, values: Mapping[str, Any], root: Root, show: Callable[[TaskRecord], None]
) -> tuple[RunRecord, Path]:
    """Run a pipeline; return its record and the path of its index.html.

    Args:
        plan: what to run.
        values: parameter -> value, checked (`arguments.checked`).
        root: where runs, results and files are kept; files in `values` are published there.
        show: called at every change of a task, and while one runs.

    Raises:
        ParameterError: a runtime that the plan needs is not installed.
        UserCodeError: the user's module cannot be imported.
    """
    for image in sorted({task.container["image"] for task in plan.tasks}):
        environment.python_of(image)
    private.folder(root.path)
    values = modules.published(values, plan, root.files)
    running = _Run(plan, arguments.with_published_files(values, root.files), root, show)
    private.folder(running.folder)
    with record.held(running.folder):
        index = running.whole()
    return running.record, index

"""The loop: each task is reused, skipped or run, as soon as what it waits for has ended.

Different runs may go on under one root at the same time: each has its own folder, and what they
share (results, published files) appears by a rename.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from kanaria.components.shared import fingerprint, private, storage
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
    schedule,
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
from kanaria.pipelines.local.step_code import component_name
from kanaria.pipelines.local.warm import choice
from kanaria.pipelines.local.warm.client import Warm
from kanaria.pipelines.local.warm.provider import Provider
from kanaria.serving.local import background_server

PUSH = "push_model"
SERVING_ROOT = "KANARIA_SERVING_ROOT"
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
        self,
        plan: Plan,
        values: Mapping[str, Any],
        root: Root,
        show: Callable[[TaskRecord], None],
        keep_warm: int,
    ) -> None:
        self.plan, self.values, self.show = plan, values, show
        self.cache = cache.Cache(root.cache)
        self.record = record.new(plan.name, values, [task.name for task in plan.tasks])
        self.folder = root.runs / self.record.run_id
        self.copies = storage.join(root.copies, self.record.run_id) if root.copies else ""
        self.extra = {
            SERVING_ROOT: os.environ.get(SERVING_ROOT, str(root.serving)),
        }
        # A run with the same values came to its end: this one will most likely reuse its results.
        asked = json.dumps([plan.name, dict(values)], sort_keys=True)
        self.computed = root.cache / f"{fingerprint.of_text(asked)}.computed"
        self.warm = Provider(plan, self.extra, self.folder / WARM_LOG, keep_warm * 60)
        self.pushes = any(component_name(task) == PUSH for task in plan.tasks)
        self.serves = False
        self.beside = ExitStack()
        self.entries = {entry.name: entry for entry in self.record.tasks}
        self.outputs: dict[str, StepOutputs] = {}
        self.keys: dict[str, str] = {}
        self.skipped: set[str] = set()
        self.ended: set[str] = set()
        self.running: dict[Future[StepOutputs], Task] = {}
        self.has_failed = self.was_stopped = False
        self.is_stopping = Event()
        self.cores = len(os.sched_getaffinity(0))

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

    def update(self, task: Task, state: State) -> None:
        entry = self.entries[task.name]
        entry.state = state
        self.publish()
        self.show(entry)

    def begin(self, task: Task) -> Callable[[], StepOutputs] | None:
        """Settle a task that is skipped or reused; return the work of one that is to run."""
        unwanted = skipped.reason(task, frozenset(self.skipped), self.value, self.outputs)
        if unwanted:
            self.skipped.add(task.name)
            self.entries[task.name].cause = unwanted
            self.update(task, State.SKIPPED)
            return None
        inputs = self.inputs(task)
        self.keys[task.name] = cache.key(task, inputs) if task.cached else ""
        found = self.cache.find(self.keys[task.name], task) if task.cached else None
        if not found:
            if task.cached or choice.computes(task):
                self.warm.begin()  # What follows will most likely run too.
            self.prestart(task)
            self.update(task, State.RUNNING)
            return partial(self.execute, task, inputs, self.warm.of(task))
        self.keep(task, found, is_new=False)
        self.update(task, State.REUSED)
        return None

    def prestart(self, task: Task) -> None:
        """Let the local server start beside the first task that computes, if one is to push.

        Where none computes, it starts with the first task.
        """
        if not self.pushes or self.serves:
            return
        if choice.computes(task) or not any(choice.computes(each) for each in self.plan.tasks):
            state = Path(self.extra[SERVING_ROOT])
            self.serves = True
            self.beside.enter_context(background_server.prestarted(state))

    def execute(self, task: Task, inputs: StepInputs, warm: Warm | None) -> StepOutputs:
        """Run a task's process, in a thread of its own; all else happens in the main thread."""
        entry, folder = self.entries[task.name], self.folder / task.name
        private.folder(folder)
        entry.log = str(folder / step.LOG)
        started = time.monotonic()

        def tick() -> None:
            if self.is_stopping.is_set():
                raise KeyboardInterrupt
            entry.seconds = round(time.monotonic() - started, 1)
            self.show(entry)

        try:
            return step.run(task, inputs, folder, self.extra, tick, warm)
        finally:
            entry.seconds = round(time.monotonic() - started, 2)

    def with_copies(self, task: Task, outputs: StepOutputs) -> StepOutputs:
        if not self.copies:
            return outputs
        target = storage.join(self.copies, task.name)
        copied = {n: pipeline_root.copied(a, target) for n, a in outputs.artifacts.items()}
        return replace(outputs, artifacts=copied)

    def keep(self, task: Task, outputs: StepOutputs, is_new: bool) -> None:
        """Note the outputs of a task that has run, or is reused."""
        copied = self.with_copies(task, outputs)
        if self.keys[task.name] and (is_new or copied != outputs):
            self.cache.store(self.keys[task.name], copied)
        self.outputs[task.name] = copied
        self.with_pages(copied.artifacts)
        entry = self.entries[task.name]
        entry.log, entry.peak_mb = copied.log, copied.peak_mb
        entry.parameters = dict(copied.parameters)
        entry.artifacts = {name: found.uri for name, found in copied.artifacts.items()}
        entry.copies = {n: found.copy for n, found in copied.artifacts.items() if found.copy}
        entry.metadata = {n: dict(found.metadata) for n, found in copied.artifacts.items()}

    def with_pages(self, artifacts: Mapping[str, Artifact]) -> None:
        for artifact in artifacts.values():
            markdown_page.write(artifact)

    @contextmanager
    def told(self, task: Task) -> Iterator[None]:
        """Let the record say why a task failed, where the block raises that."""
        entry = self.entries[task.name]
        try:
            yield
        except (KanariaError, OSError) as error:
            entry.cause = str(error)
            left = error.left if isinstance(error, step.StepFailedError) else {}
            entry.artifacts = {name: artifact.uri for name, artifact in left.items()}
            self.with_pages(left)
            self.has_failed |= not task.exit_of
            self.update(task, State.FAILED)

    def start_due(self, pool: Executor) -> None:
        """Start every task that may start now; those that are reused or skipped end at once."""
        while task := schedule.next_task(self.plan, self.now(), self.cores):
            self.ended.add(task.name)
            with self.told(task):
                work = self.begin(task)
                if work:
                    self.running[pool.submit(work)] = task
                    self.ended.discard(task.name)
                else:
                    self.warm.done(task)

    def now(self) -> schedule.Now:
        return schedule.Now(
            ended=self.ended, running=list(self.running.values()), has_failed=self.has_failed
        )

    def finish(self, future: Future[StepOutputs]) -> None:
        task = self.running.pop(future)
        self.ended.add(task.name)
        self.warm.done(task)
        with self.told(task):
            self.keep(task, future.result(), is_new=True)
            self.update(task, State.SUCCEEDED)

    def all_tasks(self) -> None:
        """Run the tasks up to the first that fails; exit tasks run whatever happened before.

        Those that run beside a task that fails come to their end. An exit task that fails is told
        of, and leaves the run the state that the others gave it: so Argo counts what KFP hooks
        onto an exit handler.
        """
        with ThreadPoolExecutor(max_workers=self.cores) as pool:
            try:
                self.start_due(pool)
                while self.running:
                    for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                        self.finish(future)
                    self.start_due(pool)
            finally:
                self.is_stopping.set()

    def after_stop(self) -> None:
        """Run the exit tasks that are left, silently, as KFP does when a run is terminated."""
        for entry in self.record.tasks:
            if entry.state is State.RUNNING:
                entry.cause, entry.state = "the runner was stopped", State.FAILED
                self.ended.add(entry.name)
        self.running = {}
        self.was_stopped = self.has_failed = True
        self.show = lambda _: None
        self.is_stopping = Event()
        self.all_tasks()

    def whole(self) -> Path:
        """Run all tasks; the record says how it ended, whatever happens. Return the report."""
        started = time.monotonic()
        self.publish()
        state = State.FAILED
        try:
            with self.beside:
                if not self.computed.exists():
                    self.warm.begin()
                self.all_tasks()
            if not self.has_failed:
                private.write_text(self.computed, "")
                state = State.SUCCEEDED
        except KeyboardInterrupt:
            state = State.INTERRUPTED
            self.after_stop()
            raise
        finally:
            self.warm.end()
            self.record.state = state
            self.record.seconds = round(time.monotonic() - started, 2)
            index = self.publish()
        return index


def run(
    plan: Plan,
    values: Mapping[str, Any],
    root: Root,
    show: Callable[[TaskRecord], None],
    keep_warm: int = 0,
) -> tuple[RunRecord, Path]:
    """Run a pipeline; return its record and the path of its index.html.

    Args:
        plan: what to run.
        values: parameter -> value, checked (`arguments.checked`).
        root: where runs, results and files are kept; files in `values` are published there.
        show: called at every change of a task, and while one runs.
        keep_warm: for how many minutes the warm process is kept for a next run.

    Raises:
        ParameterError: a runtime that the plan needs is not installed.
        UserCodeError: the user's module cannot be imported.
    """
    for image in sorted({task.container["image"] for task in plan.tasks}):
        environment.python_of(image)
    private.folder(root.path)
    values = modules.published(values, plan, root.files)
    files = arguments.with_published_files(values, root.files)
    running = _Run(plan, files, root, show, keep_warm)
    private.folder(running.folder)
    with record.held(running.folder):
        index = running.whole()
    return running.record, index

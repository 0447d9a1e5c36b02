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
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import owner_only_files, uri_files
from kanaria.pipelines.local import (
    arguments,
    record,
    runtime_python,
    skip_reasons,
    step,
    task_order,
    user_modules,
)
from kanaria.pipelines.local.cache import Cache
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.plan import Plan, Task
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.run_observers import Account
from kanaria.pipelines.local.step import StepInputs, StepOutputs
from kanaria.pipelines.local.step_code import component_name
from kanaria.pipelines.local.task_outputs import Results
from kanaria.pipelines.local.warm_process import forkable_tasks
from kanaria.pipelines.local.warm_process.client import Warm
from kanaria.pipelines.local.warm_process.process_of_run import Provider
from kanaria.serving.local import background_server

PUSH = "push_model"
SERVING_ROOT = "KANARIA_SERVING_ROOT"
WARM_LOG = "warm/log.txt"


class _Run:
    """One run under way."""

    def __init__(
        self,
        plan: Plan,
        values: Mapping[str, Any],
        root: Root,
        show: Callable[[TaskRecord], None],
        keep_warm: int,
        run_name: str,
    ) -> None:
        self.plan = plan
        waits = {task.name: task.waits | task.exit_of for task in plan.tasks}
        new = record.new(plan.name, values, waits, run_name)
        self.folder = root.runs / new.run_id
        self.account = Account(new, self.folder, show)
        copies = uri_files.join(root.copies, new.run_id) if root.copies else ""
        self.results = Results(values=values, record=new, cache=Cache(root.cache), copies=copies)
        self.extra = {
            SERVING_ROOT: os.environ.get(SERVING_ROOT, str(root.serving)),
        }
        # A run with the same values came to its end: this one will most likely reuse its results.
        question = json.dumps([plan.name, dict(values)], sort_keys=True)
        self.computed = root.cache / f"{fingerprint.of_text(question)}.computed"
        self.warm = Provider(plan, self.extra, self.folder / WARM_LOG, keep_warm * 60)
        self.pushes = any(component_name(task) == PUSH for task in plan.tasks)
        self.serves = False
        self.beside = ExitStack()
        self.skipped: set[str] = set()
        self.ended: set[str] = set()
        self.running: dict[Future[StepOutputs], Task] = {}
        self.has_failed = False
        self.is_stopping = Event()
        self.began = time.monotonic()
        self.cores = len(os.sched_getaffinity(0))

    def begin(self, task: Task) -> Callable[[], StepOutputs] | None:
        """Settle a task that is skipped or reused; return the work of one that is to run."""
        results = self.results
        unwanted = skip_reasons.reason(
            task, frozenset(self.skipped), results.value, results.outputs
        )
        if unwanted:
            self.skipped.add(task.name)
            self.account.skipped(task.name, unwanted)
            return None
        inputs = results.inputs(task)
        earlier = results.reusable(task, inputs)
        if not earlier:
            if task.cached or forkable_tasks.computes(task):
                self.warm.begin()  # What follows will most likely run too.
            self.prestart(task)
            self.account.update(task.name, State.RUNNING)
            return partial(self.execute, task, inputs, self.warm.of(task))
        outputs = results.keep(task, earlier, is_new=False)
        self.account.ended(task.name, outputs, State.REUSED)
        return None

    def prestart(self, task: Task) -> None:
        """Let the local server start beside the first task that computes, if one is to push.

        Where none computes, it starts with the first task.
        """
        if not self.pushes or self.serves:
            return
        if forkable_tasks.computes(task) or not any(
            forkable_tasks.computes(each) for each in self.plan.tasks
        ):
            state = Path(self.extra[SERVING_ROOT])
            self.serves = True
            self.beside.enter_context(background_server.prestarted(state))

    def execute(self, task: Task, inputs: StepInputs, warm: Warm | None) -> StepOutputs:
        """Run a task's process, in a thread of its own; all else happens in the main thread."""
        entry, folder = self.account.entries[task.name], self.folder / task.name
        owner_only_files.folder(folder)
        entry.log = str(folder / step.LOG)
        started = time.monotonic()
        entry.began = round(started - self.began, 2)

        def tick() -> None:
            if self.is_stopping.is_set():
                raise KeyboardInterrupt
            entry.seconds = round(time.monotonic() - started, 1)
            self.account.show(entry)

        try:
            return step.run(task, inputs, folder, self.extra, tick, warm)
        finally:
            entry.seconds = round(time.monotonic() - started, 2)

    @contextmanager
    def recorded(self, task: Task) -> Iterator[None]:
        """Let the record say why a task failed, where the block raises that."""
        try:
            yield
        except (KanariaError, OSError) as error:
            self.has_failed |= not task.exit_of
            self.account.failed(task.name, error)

    def start_due(self, pool: Executor) -> None:
        """Start every task that may start now; those that are reused or skipped end at once."""
        while task := task_order.next_task(self.plan, self.now(), self.cores):
            self.ended.add(task.name)
            with self.recorded(task):
                work = self.begin(task)
                if work:
                    self.running[pool.submit(work)] = task
                    self.ended.discard(task.name)
                else:
                    self.warm.done(task)

    def now(self) -> task_order.Now:
        return task_order.Now(
            ended=self.ended, running=list(self.running.values()), has_failed=self.has_failed
        )

    def finish(self, future: Future[StepOutputs]) -> None:
        task = self.running.pop(future)
        self.ended.add(task.name)
        self.warm.done(task)
        with self.recorded(task):
            outputs = self.results.keep(task, future.result(), is_new=True)
            self.account.ended(task.name, outputs, State.SUCCEEDED)

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
        self.ended.update(self.account.stopped())
        self.running = {}
        self.results.was_stopped = self.has_failed = True
        self.account.show = lambda _: None
        self.is_stopping = Event()
        self.all_tasks()

    def whole(self) -> Path:
        """Run all tasks; the record says how it ended, whatever happens. Return the report."""
        self.account.publish()
        state = State.FAILED
        try:
            with self.beside:
                if not self.computed.exists():
                    self.warm.begin()
                self.all_tasks()
            if not self.has_failed:
                owner_only_files.write_text(self.computed, "")
                state = State.SUCCEEDED
        except KeyboardInterrupt:
            state = State.INTERRUPTED
            self.after_stop()
            raise
        finally:
            self.warm.end()
            run_record = self.account.record
            run_record.state, run_record.seconds = state, round(time.monotonic() - self.began, 2)
            index = self.account.publish()
        return index


def run(
    plan: Plan,
    values: Mapping[str, Any],
    root: Root,
    show: Callable[[TaskRecord], None],
    keep_warm: int = 0,
    run_name: str = "",
) -> tuple[RunRecord, Path]:
    """Run a pipeline; return its record and the path of its index.html.

    Args:
        plan: what to run.
        values: parameter -> value, checked (`arguments.checked`).
        root: where runs, results and files are kept; files in `values` are published there.
        show: called at every change of a task, and while one runs.
        keep_warm: for how many minutes the warm process is kept for a next run.
        run_name: name of its folder, which no other run has; "" for one of its own.

    Raises:
        ParameterError: a runtime that the plan needs is not installed, or a run has this name.
        UserCodeError: the user's module cannot be imported.
    """
    for image in sorted({task.container["image"] for task in plan.tasks}):
        runtime_python.python_of(image)
    owner_only_files.folder(root.path)
    values = user_modules.published(values, plan, root.files)
    files = arguments.with_published_files(values, root.files)
    running = _Run(plan, files, root, show, keep_warm, run_name)
    record.claim(running.folder)
    with record.held(running.folder):
        index = running.whole()
    return running.account.record, index

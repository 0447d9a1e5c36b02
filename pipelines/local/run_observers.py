"""Tells of a run under way: its record, its page, and whoever watches."""

from collections.abc import Callable, Mapping
from pathlib import Path

from kanaria.pipelines.local import record
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.run_page import markdown_page, page
from kanaria.pipelines.local.step import Artifact, StepFailedError, StepOutputs


class Account:
    """What is told of one run."""

    def __init__(
        self, run_record: RunRecord, folder: Path, show: Callable[[TaskRecord], None]
    ) -> None:
        """Take the record, the run's folder and who is shown every change; nothing is written."""
        self.record, self.folder, self.show = run_record, folder, show
        self.entries = {entry.name: entry for entry in run_record.tasks}

    def publish(self) -> Path:
        """Write the record and its page; return the page's path."""
        record.write(self.record, self.folder)
        return page.write(self.record, self.folder)

    def update(self, task: str, state: State) -> None:
        """Tell that a task is in another state."""
        self.entries[task].state = state
        self.publish()
        self.show(self.entries[task])

    def ended(self, task: str, outputs: StepOutputs, state: State) -> None:
        """Tell what a task left that has run, or is reused."""
        _with_pages(outputs.artifacts)
        entry = self.entries[task]
        entry.log, entry.peak_mb = outputs.log, outputs.peak_mb
        entry.parameters = dict(outputs.parameters)
        entry.artifacts = {name: artifact.uri for name, artifact in outputs.artifacts.items()}
        entry.copies = {
            n: artifact.copy for n, artifact in outputs.artifacts.items() if artifact.copy
        }
        entry.types = {name: artifact.schema_title for name, artifact in outputs.artifacts.items()}
        entry.metadata = {n: dict(artifact.metadata) for n, artifact in outputs.artifacts.items()}
        self.update(task, state)

    def skipped(self, task: str, cause: str) -> None:
        """Tell that a task is not wanted, and why."""
        self.entries[task].cause = cause
        self.update(task, State.SKIPPED)

    def failed(self, task: str, error: Exception) -> None:
        """Tell why a task failed, and what it left to look at."""
        entry = self.entries[task]
        entry.cause = str(error)
        left = error.left if isinstance(error, StepFailedError) else {}
        entry.artifacts = {name: artifact.uri for name, artifact in left.items()}
        _with_pages(left)
        self.update(task, State.FAILED)

    def stopped(self) -> list[str]:
        """Tell, of the tasks that were running, that the runner was stopped; return their names."""
        running = [entry for entry in self.record.tasks if entry.state is State.RUNNING]
        for entry in running:
            entry.cause, entry.state = "the runner was stopped", State.FAILED
        return [entry.name for entry in running]


def _with_pages(artifacts: Mapping[str, Artifact]) -> None:
    for artifact in artifacts.values():
        markdown_page.write(artifact)

"""The warm process of one run: there from its start to the last step that may need it."""

from collections.abc import Mapping
from pathlib import Path

from kanaria.pipelines.local import runtime_python, step
from kanaria.pipelines.local.plan import Plan, Task
from kanaria.pipelines.local.warm_process import forkable_tasks, process_reuse
from kanaria.pipelines.local.warm_process.client import Warm


class Provider:
    """Gives a run's tasks the process to fork from."""

    def __init__(
        self, plan: Plan, extra: Mapping[str, str], log: Path, keep_seconds: int = 0
    ) -> None:
        """Look which tasks compute with TensorFlow; start nothing yet.

        Args:
            plan: the run's.
            extra: environment variables of its steps beside the runner's own.
            log: file for what the warm process writes.
            keep_seconds: for how long it is kept after this run; 0 leaves it as it is.
        """
        self._extra, self._log, self._keep_seconds = extra, log, keep_seconds
        has_gpu = forkable_tasks.has_gpu()
        forking = [task for task in plan.tasks if not has_gpu and forkable_tasks.may_fork(task)]
        self._forking = {task.name for task in forking}
        self._computing = {task.name for task in forking if forkable_tasks.computes(task)}
        self._image = forking[0].container["image"] if forking else ""
        self._warm: Warm | None = None

    def begin(self) -> None:
        """Start the warm process, unless it runs, or no task is left that would need it."""
        if self._computing and not self._warm:
            python = runtime_python.python_of(self._image)
            variables = step.environment_of(python, {}, self._extra)
            reused = process_reuse.reused_or_started(
                python, variables, self._log, self._keep_seconds
            )
            self._warm = reused or Warm.started(variables, self._log)

    def of(self, task: Task) -> Warm | None:
        """Return the process to fork a task from, None for a fresh process."""
        return self._warm if task.name in self._forking else None

    def done(self, task: Task) -> None:
        """Note that a task has ended; after the last that forks, the warm process ends."""
        self._computing.discard(task.name)
        self._forking.discard(task.name)
        if not self._forking:
            self.end()

    def end(self) -> None:
        """End the warm process, unless it is kept."""
        if self._warm:
            self._warm.end()
            self._warm = None

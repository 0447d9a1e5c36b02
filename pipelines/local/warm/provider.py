"""The warm process of one run: there from its start to the last step that may need it."""

from collections.abc import Mapping
from pathlib import Path

from kanaria.pipelines.local import environment, step
from kanaria.pipelines.local.plan import Plan, Task
from kanaria.pipelines.local.warm import choice
from kanaria.pipelines.local.warm.client import Warm


class Provider:
    """Gives a run's tasks the process to fork from."""

    def __init__(self, plan: Plan, extra: Mapping[str, str], log: Path) -> None:
        """Look which tasks compute with TensorFlow; start nothing yet.

        Args:
            plan: the run's.
            extra: environment variables of its steps beside the runner's own.
            log: file for what the warm process writes.
        """
        self._extra, self._log = extra, log
        has_gpu = choice.has_gpu()
        forking = [task for task in plan.tasks if not has_gpu and choice.may_fork(task)]
        self._forking = {task.name for task in forking}
        self._image = next(
            (task.container["image"] for task in forking if choice.computes(task)), ""
        )
        self._warm: Warm | None = None

    def begin(self) -> None:
        """Start the warm process, unless it runs, or no task would need it."""
        if self._image and not self._warm:
            python = environment.python_of(self._image)
            self._warm = Warm(step.environment_of(python, {}, self._extra), self._log)

    def of(self, task: Task) -> Warm | None:
        """Return the process to fork a task from, None for a fresh process."""
        if task.name not in self._forking:
            return None
        if choice.computes(task):
            self.begin()
        return self._warm

    def end(self) -> None:
        """End the warm process."""
        if self._warm:
            self._warm.end()
            self._warm = None

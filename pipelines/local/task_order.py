"""Which task of a run starts next. Pure.

A task may start when all that it waits for has ended; an exit task when what it stands around is
settled and one of that had its turn. After a failure only exit tasks start. At most one task runs
a core, and at most one of those that compute with TensorFlow, since each of these uses all cores.
"""

from collections.abc import Collection
from dataclasses import dataclass

from kanaria.pipelines.local.plan import Plan, Task
from kanaria.pipelines.local.warm_process.forkable_tasks import computes


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """Where a run stands.

    Attributes:
        ended: names of the tasks that have ended, skipped ones too.
        running: the tasks that run.
        has_failed: whether a task has failed that is no exit task, or the run was stopped.
    """

    ended: Collection[str]
    running: Collection[Task]
    has_failed: bool


def _is_due(task: Task, now: Now) -> bool:
    if not task.exit_of:
        return not now.has_failed and task.waits.issubset(now.ended)
    running = {each.name for each in now.running}
    settled = (
        name in now.ended or (now.has_failed and name not in running) for name in task.exit_of
    )
    return not task.exit_of.isdisjoint(now.ended) and all(settled)


def _fits(task: Task, now: Now, cores: int) -> bool:
    if computes(task) and any(computes(each) for each in now.running):
        return False
    return len(now.running) < cores


def next_task(plan: Plan, now: Now, cores: int) -> Task | None:
    """Return the first task of the plan that may start on a machine with so many cores."""
    begun = {*now.ended, *(task.name for task in now.running)}
    waiting = (task for task in plan.tasks if task.name not in begun)
    return next((task for task in waiting if _is_due(task, now) and _fits(task, now, cores)), None)

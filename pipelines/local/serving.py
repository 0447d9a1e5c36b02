"""The server of local serving beside the tasks of a run, where one of them will push."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from kanaria.pipelines.local.plan import Plan
from kanaria.pipelines.local.step_code import component_name
from kanaria.serving.local.background import prestarted

PUSHING = "push_model"


def beside(plan: Plan, state: Path) -> AbstractContextManager[None]:
    """Return a context in which a server starts, for as long as the tasks run, if one pushes.

    Args:
        plan: the run's.
        state: state folder of local serving.
    """
    pushes = any(component_name(task) == PUSHING for task in plan.tasks)
    return prestarted(state) if pushes else nullcontext()

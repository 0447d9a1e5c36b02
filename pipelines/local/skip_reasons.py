"""Why a task is skipped, in words for the terminal and the run's page. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from kanaria.pipelines.local import condition
from kanaria.pipelines.local.plan import Guard, PipelineInput, Source, Task, TaskOutput
from kanaria.pipelines.local.step import StepOutputs

OUTCOME = "outcome"


def _judged(source: Source, outputs: Mapping[str, StepOutputs]) -> str:
    """Return the summary of the verdict that a condition reads, or ""."""
    if not isinstance(source, TaskOutput):
        return ""
    outcome = outputs[source.task].artifacts.get(OUTCOME)
    return str(outcome.metadata.get("summary", "")) if outcome else ""


def _named(source: Source, value: Any) -> str:
    is_what = "empty" if value == "" else repr(value)
    if isinstance(source, PipelineInput):
        return f"parameter {source.name} is {is_what}"
    where = f"{source.key} of {source.task}" if isinstance(source, TaskOutput) else "a constant"
    return f"{where} is {is_what}"


def _unmet(guard: Guard, value: Callable[[Source], Any], outputs: Mapping[str, StepOutputs]) -> str:
    """Return why a condition does not hold, or "" when it does."""
    if condition.holds(guard.expression, {name: value(s) for name, s in guard.inputs.items()}):
        return ""
    read = [source for name, source in guard.inputs.items() if f"'{name}'" in guard.expression]
    return "; ".join(_judged(s, outputs) or _named(s, value(s)) for s in read)


def reason(
    task: Task,
    skipped: frozenset[str],
    value: Callable[[Source], Any],
    outputs: Mapping[str, StepOutputs],
) -> str:
    """Return why `task` is not wanted, or "" when it is to run.

    Args:
        task: the task whose turn it is.
        skipped: names of the tasks that were skipped.
        value: what a source of a condition gives.
        outputs: of the tasks that have ended.
    """
    before = sorted(name.rpartition("/")[2] for name in task.after & skipped)
    if before:
        return f"{', '.join(before)} {'was' if len(before) == 1 else 'were'} skipped"
    unmet = (_unmet(guard, value, outputs) for guard in task.guards)
    return next((text for text in unmet if text), "")

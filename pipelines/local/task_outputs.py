"""What the tasks of one run have given, and what one that starts is given of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kanaria.components.shared.storage import uri_files
from kanaria.pipelines.local import cache, exit_status, pipeline_root, placeholders
from kanaria.pipelines.local.plan import (
    Constant,
    FinalStatus,
    PipelineInput,
    Source,
    Task,
    TaskOutput,
)
from kanaria.pipelines.local.record import RunRecord
from kanaria.pipelines.local.step import StepInputs, StepOutputs


def _as_declared(value: Any, kind: str) -> Any:
    """Undo the compiled form's one kind of number: an integer is written there as 3.0."""
    return int(value) if kind == "NUMBER_INTEGER" else value


@dataclass(kw_only=True, slots=True)
class Results:
    """The values of one run and the outputs of its tasks, as far as it has come.

    Attributes:
        values: parameter of the pipeline -> value.
        record: of the run.
        cache: results of all runs.
        copies: URI below which each output of this run is published too, or "".
        was_stopped: whether the runner was told to stop.
        outputs: task -> what it left, or what was reused.
        keys: task -> key of its result, "" for one that is never reused.
    """

    values: Mapping[str, Any]
    record: RunRecord
    cache: cache.Cache
    copies: str
    was_stopped: bool = False
    outputs: dict[str, StepOutputs] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def value(self, source: Source) -> Any:
        """Return what a source of a task's parameter or condition gives."""
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
        """Return what a task starts with; what it waits for has ended."""
        values = {name: self.value(source) for name, source in task.parameters.items()}
        definitions = task.component.get("inputDefinitions", {}).get("parameters", {})
        defaults = {n: d["defaultValue"] for n, d in definitions.items() if "defaultValue" in d}
        present = {name: value for name, value in values.items() if value is not None}
        return StepInputs(
            # Only the component's own inputs: a condition adds names it alone looks at.
            parameters={
                name: _as_declared(value, definitions[name]["parameterType"])
                for name, value in {**defaults, **present}.items()
                if name in definitions
            },
            artifacts={n: self.outputs[s.task].artifacts[s.key] for n, s in task.artifacts.items()},
        )

    def reusable(self, task: Task, inputs: StepInputs) -> StepOutputs | None:
        """Return an earlier result of the same task with the same inputs, if it may be reused."""
        self.keys[task.name] = cache.key(task, inputs) if task.cached else ""
        return self.cache.find(self.keys[task.name], task) if task.cached else None

    def keep(self, task: Task, outputs: StepOutputs, is_new: bool) -> StepOutputs:
        """Keep what a task left for those that follow and for later runs; return it with copies."""
        copied = self._with_copies(task, outputs)
        if self.keys[task.name] and (is_new or copied != outputs):
            self.cache.store(self.keys[task.name], copied)
        self.outputs[task.name] = copied
        return copied

    def _with_copies(self, task: Task, outputs: StepOutputs) -> StepOutputs:
        if not self.copies:
            return outputs
        target = uri_files.join(self.copies, task.name)
        copied = {n: pipeline_root.copied(a, target) for n, a in outputs.artifacts.items()}
        return replace(outputs, artifacts=copied)

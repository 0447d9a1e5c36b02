"""How Kubeflow Pipelines 2.17.0 reuses tasks, played through on a compiled pipeline without pods.

Its driver keys a task on the names of its input artifacts, never on their content; on parameters;
on names and types of outputs; on image, command and environment (backend/src/v2/cacheutils). Every
execution gives its artifacts new names, and a reused task hands on those of the execution it
repeats. So whatever runs anew runs all below it anew.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kanaria.pipelines.local import condition
from kanaria.pipelines.local.plan import Constant, PipelineInput, Plan, Source, Task, TaskOutput

Values = Mapping[str, Any]
Returned = Callable[[str], Any]
"""(task/parameter) -> what the step returns there when it runs."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Names of the artifacts, and values of the parameters, of one execution."""

    artifacts: Mapping[str, str]
    parameters: Values


@dataclass
class Cache:
    """The server's table of executions that may be reused."""

    numbers: Any = field(default_factory=lambda: count(1))
    entries: dict[str, Outputs] = field(default_factory=dict)

    def run(self, pipeline: Plan, values: Values, returned: Returned) -> dict[str, str]:
        """Return task -> "executed", "cached" or "skipped" of one run."""
        return _Run(self, pipeline, values, returned).states()


class _Run:
    def __init__(self, cache: Cache, pipeline: Plan, values: Values, returned: Returned) -> None:
        self.cache, self.returned = cache, returned
        self.plan = pipeline
        defaults = {
            n: d["defaultValue"] for n, d in self.plan.parameters.items() if "defaultValue" in d
        }
        self.values = {**defaults, **values}
        self.run_id = f"run-{next(cache.numbers)}"
        self.outputs: dict[str, Outputs] = {}

    def value(self, source: Source) -> Any:
        match source:
            case Constant(value=value):
                # What the driver fills in is another text in every run.
                return value.replace("{{$", self.run_id) if isinstance(value, str) else value
            case PipelineInput(name=name):
                return self.values.get(name)
            case TaskOutput(task=task, key=key):
                return self.outputs[task].parameters[key]

    def key(self, task: Task) -> str:
        outputs = task.component.get("outputDefinitions", {})
        own = task.component.get("inputDefinitions", {}).get("parameters", {})
        parts = {
            "inputArtifactNames": {
                name: self.outputs[source.task].artifacts[source.key]
                for name, source in task.artifacts.items()
            },
            "inputParameterValues": {
                name: self.value(source) for name, source in task.parameters.items() if name in own
            },
            "outputArtifactsSpec": outputs.get("artifacts", {}),
            "outputParametersSpec": outputs.get("parameters", {}),
            "containerSpec": task.container,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()

    def executed(self, task: Task) -> Outputs:
        outputs = task.component.get("outputDefinitions", {})
        names = {
            name: f"artifact-{next(self.cache.numbers)}" for name in outputs.get("artifacts", {})
        }
        values = {
            name: self.returned(f"{task.name}/{name}") for name in outputs.get("parameters", {})
        }
        return Outputs(artifacts=names, parameters=values)

    def state(self, task: Task) -> str:
        for guard in task.guards:
            read = {name: self.value(source) for name, source in guard.inputs.items()}
            if not condition.holds(guard.expression, read):
                return "skipped"
        key = self.key(task)
        entry = self.cache.entries.get(key) if task.cached else None
        self.outputs[task.name] = entry or self.executed(task)
        if task.cached:
            self.cache.entries[key] = self.outputs[task.name]
        return "cached" if entry else "executed"

    def states(self) -> dict[str, str]:
        return {task.name.rpartition("/")[2]: self.state(task) for task in self.plan.tasks}

"""A compiled pipeline as a flat list of tasks. Pure: YAML data in, frozen dataclasses out."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.local import condition

WHATEVER_HAPPENED = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A value written into the pipeline."""

    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineInput:
    """A parameter of the pipeline."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOutput:
    """An output parameter or artifact of an earlier task."""

    task: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalStatus:
    """How the tasks of an exit handler ended, for its exit task; `group` is the handler's name."""

    group: str
    tasks: frozenset[str]


Source = Constant | PipelineInput | TaskOutput | FinalStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """A condition over values; a task runs only if all its guards hold."""

    expression: str
    inputs: Mapping[str, Source]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One container task, with everything nested around it resolved.

    Attributes:
        name: unique in the pipeline, for instance "ingest-data".
        component: the component's interface as compiled (inputDefinitions, outputDefinitions).
        container: image, command and args.
        parameters: input parameter -> where its value comes from.
        artifacts: input artifact -> the output it is.
        after: names of the tasks that must have succeeded.
        guards: conditions around it.
        cached: whether an earlier result may be reused.
        waits: names of the tasks that must have ended, those of `after` among them.
        environment: variables that it sets itself.
        exit_of: the tasks around which it stands as an exit task, whatever becomes of them; empty
            for all others.
    """

    name: str
    component: Mapping[str, Any]
    container: Mapping[str, Any]
    parameters: Mapping[str, Source]
    artifacts: Mapping[str, TaskOutput]
    after: frozenset[str]
    guards: tuple[Guard, ...]
    cached: bool
    waits: frozenset[str] = frozenset()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    exit_of: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A pipeline's name, its parameters as compiled, and its tasks in a runnable order."""

    name: str
    parameters: Mapping[str, Mapping[str, Any]]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scope:
    """What the names inside one (sub-)pipeline stand for outside it."""

    inputs: Mapping[str, Source] | None
    after: frozenset[str]
    waits: frozenset[str]
    guards: tuple[Guard, ...]
    prefix: str


class _Reader:
    """Walks the compiled document; collects what this runner does not support."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.unsupported: list[str] = []
        self.leaves: dict[str, frozenset[str]] = {}
        self.handled: dict[str, frozenset[str]] = {}

    def source(self, entry: Mapping[str, Any], scope: _Scope) -> Source | None:
        if "runtimeValue" in entry and "constant" in entry["runtimeValue"]:
            return Constant(value=entry["runtimeValue"]["constant"])
        for key in ("componentInputParameter", "componentInputArtifact"):
            if key in entry:
                name = entry[key]
                return PipelineInput(name=name) if scope.inputs is None else scope.inputs.get(name)
        if "taskFinalStatus" in entry:
            group = scope.prefix + entry["taskFinalStatus"]["producerTask"]
            return FinalStatus(group=group, tasks=self.handled[group])
        for key, field in (
            ("taskOutputParameter", "outputParameterKey"),
            ("taskOutputArtifact", "outputArtifactKey"),
        ):
            if key in entry:
                producer = scope.prefix + entry[key]["producerTask"]
                return TaskOutput(task=producer, key=entry[key][field])
        self.unsupported.append(f"input {entry}")
        return None

    def inputs(self, entries: Mapping[str, Any], scope: _Scope) -> dict[str, Source]:
        sources = {name: self.source(entry, scope) for name, entry in entries.items()}
        return {name: source for name, source in sources.items() if source is not None}

    def tasks(self, dag: Mapping[str, Any], scope: _Scope) -> Iterator[Task]:
        if dag.get("outputs") and scope.inputs is not None:  # The top's are just its last results.
            self.unsupported.append(f"{scope.prefix}: outputs of a nested pipeline or condition")
        handlers = _handlers(dag)
        for name, task in _in_order(dag["tasks"]):
            before = task.get("dependentTasks", [])
            exits = sorted(other for other in before if _is_exit(dag["tasks"][other]))
            if exits:
                self.unsupported.append(f"task {name}: it waits for the exit task {exits[0]}")
                continue
            names = [scope.prefix + other for other in before]
            after = scope.after.union(*(self.leaves[name] for name in names))
            waits = scope.waits.union(*(self.handled[name] for name in names))
            full = scope.prefix + name
            # What is in an exit handler is named as if it stood in its place, as KFP does.
            is_flat = name in handlers and not self.has_any(task, dag["tasks"].keys())
            prefix = scope.prefix if is_flat else f"{full}/"
            within = replace(scope, prefix=prefix, after=after, waits=waits)
            inner_tasks = list(self.task(full, task, within, scope))
            self.handled[full] = frozenset(leaf.name for leaf in inner_tasks)
            # Whoever waits for an exit handler does so whatever was skipped in it.
            self.leaves[full] = frozenset() if name in handlers else self.handled[full]
            yield from inner_tasks

    def has_any(self, task: Mapping[str, Any], names: Collection[str]) -> bool:
        """Tell whether one of the tasks in a sub-pipeline has one of the names."""
        component = self.document["components"][task["componentRef"]["name"]]
        return any(name in component.get("dag", {}).get("tasks", {}) for name in names)

    def task(
        self,
        name: str,
        task: Mapping[str, Any],
        within: _Scope,
        scope: _Scope,
    ) -> Iterator[Task]:
        for construct in ("parameterIterator", "artifactIterator", "iteratorPolicy"):
            if construct in task:
                self.unsupported.append(f"task {name}: a loop")
        policy = task.get("triggerPolicy", {})
        component = self.document["components"][task["componentRef"]["name"]]
        entries = task.get("inputs", {})
        parameters = self.inputs(entries.get("parameters", {}), scope)
        artifacts = self.inputs(entries.get("artifacts", {}), scope)
        guards = scope.guards
        if "condition" in policy:
            guards += (Guard(expression=policy["condition"], inputs=parameters),)
            self.unsupported += condition.faults(policy["condition"])
        if _is_exit(task):
            self.check_exit(name, component, [*parameters.values(), *artifacts.values()])
        if "dag" in component:
            inputs = {**parameters, **artifacts}
            inner = replace(within, inputs=inputs, guards=guards)
            yield from self.tasks(component["dag"], inner)
            return
        here = replace(within, guards=guards)
        leaf = self.leaf(name, task, component, parameters, artifacts, here)
        if _is_exit(task):
            waits = [self.handled[scope.prefix + other] for other in task["dependentTasks"]]
            leaf = (
                replace(one, after=scope.after, exit_of=frozenset().union(*waits)) for one in leaf
            )
        yield from leaf

    def check_exit(self, name: str, component: Mapping[str, Any], inputs: list[Source]) -> None:
        if "dag" in component:
            self.unsupported.append(f"task {name}: a pipeline as an exit task")
        if any(isinstance(source, TaskOutput) for source in inputs):
            self.unsupported.append(f"task {name}: outputs of tasks that may have failed")

    def leaf(
        self,
        name: str,
        task: Any,
        component: Any,
        parameters: Any,
        artifacts: Any,
        scope: _Scope,
    ) -> Iterator[Task]:
        executor = self.document["deploymentSpec"]["executors"][component["executorLabel"]]
        if "kfp.dsl.executor_main" not in " ".join(
            executor.get("container", {}).get("command", [])
        ):
            self.unsupported.append(f"task {name}: not a lightweight Python component")
            return
        yield Task(
            name=name,
            component=component,
            container=executor["container"],
            parameters=parameters,
            artifacts=artifacts,
            after=scope.after,
            waits=scope.waits,
            guards=scope.guards,
            cached=bool(task.get("cachingOptions", {}).get("enableCache")),
            environment={
                entry["name"]: str(entry.get("value", ""))
                for entry in executor["container"].get("env", [])
            },
        )


def _is_exit(task: Mapping[str, Any]) -> bool:
    """Tell whether a task runs whatever becomes of those that it waits for."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == WHATEVER_HAPPENED)


def _handlers(dag: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the exit handlers: the groups that exit tasks stand around."""
    exits = [task for task in dag["tasks"].values() if _is_exit(task)]
    return frozenset(name for task in exits for name in task["dependentTasks"])


def _in_order(tasks: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield tasks so that each comes after those it depends on, else by name."""
    done: set[str] = set()
    while len(done) < len(tasks):
        name = min(
            name
            for name, task in tasks.items()
            if name not in done and done.issuperset(task.get("dependentTasks", []))
        )
        done.add(name)
        yield name, tasks[name]


def is_compiled(document: Any) -> bool:
    """Tell whether the YAML has the parts of a compiled pipeline."""
    if not isinstance(document, Mapping):
        return False
    parts = [document.get(key) for key in ("pipelineInfo", "components", "deploymentSpec", "root")]
    if not all(isinstance(part, Mapping) for part in parts):
        return False
    return "dag" in document["root"] and isinstance(document["pipelineInfo"].get("name"), str)


def interface(document: Any) -> Plan:
    """Return a compiled pipeline's name and parameters, without its tasks.

    Raises:
        ParameterError: it is no compiled pipeline.
    """
    if not is_compiled(document):
        raise ParameterError(
            "pipeline: the file holds no compiled pipeline; `kanaria compile` writes one, and "
            "parameters are given by --config"
        )
    parameters = document["root"].get("inputDefinitions", {}).get("parameters", {})
    return Plan(name=document["pipelineInfo"]["name"], parameters=parameters, tasks=())


def read(document: Any) -> Plan:
    """Flatten a compiled pipeline.

    Args:
        document: what the YAML file holds.

    Raises:
        ParameterError: it is no compiled pipeline, or uses constructs this runner does not
            support; all are named.
    """
    plan = interface(document)
    reader = _Reader(document)
    declared = document["root"].get("inputDefinitions", {})
    reader.unsupported += [
        f"artifact {name} as an input of the pipeline" for name in declared.get("artifacts", {})
    ]
    top = _Scope(inputs=None, after=frozenset(), waits=frozenset(), guards=(), prefix="")
    try:
        tasks = tuple(reader.tasks(document["root"]["dag"], top))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ParameterError(
            f"{plan.name}: a compiled pipeline that was changed by hand, and lacks or misplaces "
            f"{shown(error)}; compile it anew"
        ) from error
    if reader.unsupported:
        raise ParameterError(
            f"{plan.name}: the local runner does not support: {'; '.join(reader.unsupported)}; "
            "run it on a cluster"
        )
    return replace(plan, tasks=tasks)

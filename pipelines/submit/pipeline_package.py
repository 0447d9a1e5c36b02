"""What is uploaded: a compiled pipeline, named by its content. Pure but for reading the file."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.config import yaml_text
from kanaria.pipelines import requirements
from kanaria.pipelines.compile import with_prefix, without_cuda, without_registry
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.local import plan
from kanaria.pipelines.resources.apply_settings import applied
from kanaria.pipelines.resources.settings_of_steps import NOTHING, Resources
from kanaria.pipelines.submit.workflow_nodes import Names

logger = logging.getLogger(__name__)
HASH_LENGTH = 12
OUTCOME = "outcome"
"""Name of the artifact in which a judging step says what it decided."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A pipeline ready to be uploaded.

    Attributes:
        interface: its name and parameters, without tasks.
        version: "<name>-<hash of the text>", so equal pipelines are one version.
        text: the YAML.
        names: its tasks, as the server and as people call them.
        remarks: what may go wrong with it on the server.
    """

    interface: plan.Plan
    version: str
    text: str
    names: Names
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the pipeline on the server."""
        return self.interface.name


def _dags(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield document["root"]["dag"].get("tasks", {})
    for component in document["components"].values():
        if "dag" in component:
            yield component["dag"].get("tasks", {})


def _without_cache(document: Mapping[str, Any]) -> None:
    """Forbid reuse in all tasks; a run of an uploaded version has no option of its own."""
    for tasks in _dags(document):
        for task in tasks.values():
            task["cachingOptions"] = {}


def _sorted(tasks: Mapping[str, Any]) -> list[str]:
    """Return a graph's tasks, each after what it waits for; as they stand where that is a ring."""
    needed = {key: task.get("dependentTasks", ()) for key, task in tasks.items()}
    try:
        return [key for key in TopologicalSorter(needed).static_order() if key in tasks]
    except CycleError:  # No compiler writes it, and the server refuses it.
        return list(tasks)


def _in_order(
    document: Mapping[str, Any], graph: Mapping[str, Any], walked: set[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the tasks of a graph, and those of each graph in it once, in their order."""
    tasks = graph.get("tasks", {})
    for key in _sorted(tasks):
        yield key, tasks[key]
        name = tasks[key]["componentRef"]["name"]
        component = document["components"].get(name, {})
        if "dag" in component and name not in walked:
            walked.add(name)
            yield from _in_order(document, component["dag"], walked)


def names(document: Mapping[str, Any]) -> Names:
    """Return how the server and people call the tasks of a compiled pipeline, in their order."""
    steps: dict[str, str] = {}
    branches: dict[str, str] = {}
    judges: list[str] = []
    for key, task in _in_order(document, document["root"]["dag"], set()):
        component = document["components"].get(task["componentRef"]["name"], {})
        display_name = task.get("taskInfo", {}).get("name", key)
        (branches if "dag" in component else steps).update(
            {key: display_name, display_name: display_name}
        )
        if OUTCOME in component.get("outputDefinitions", {}).get("artifacts", {}):
            judges += [key, display_name]
    return Names(steps=steps, branches=branches, judges=tuple(judges))


def read(
    pipeline: str,
    *,
    image_prefix: str = "",
    cached: bool = True,
    arguments: Mapping[str, Any] | None = None,
    resources: Resources = NOTHING,
) -> Package:
    """Read a pipeline and set in it what belongs to this submission.

    Args:
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.
        image_prefix: registry and path of Kanaria's images; "" for none.
        cached: whether steps may be reused.
        arguments: what a config gives; its `requirements_file` names the training image.
        resources: what steps get beside what the pipeline says.

    Raises:
        ParameterError: it is no compiled pipeline, or there is no such list of packages, or what
            is said of steps is wrong; all its faults at once.
    """
    compiled = documents(pipeline)
    document: Any = compiled[0] if compiled else None
    interface = plan.interface(document)
    listed, _ = requirements.split_off(arguments or {}, interface.parameters)
    with_prefix(requirements.with_packages(document, listed), image_prefix)
    compiled = applied(compiled, resources)
    document = compiled[0]
    if not cached:
        _without_cache(document)
    text = yaml_text.dump(*compiled, sort_keys=True)
    return Package(
        interface=interface,
        version=f"{interface.name}-{fingerprint.of_text(text)[:HASH_LENGTH]}",
        text=text,
        names=names(document),
        remarks=tuple(_remarks(document)),
    )


def _remarks(document: Mapping[str, Any]) -> Iterator[str]:
    for image in without_registry(document):
        yield (
            f"{image} names no registry: nodes find it only if it was loaded onto them; give "
            "--image-prefix"
        )
    for image in without_cuda(document):
        yield (
            f"an accelerator is asked for, but {image} computes on the CPU; `make image-gpu` "
            f"builds one that does not: write image: {'-gpu:'.join(image.rsplit(':', 1))}"
        )


def warn(package: Package) -> None:
    """Log what may go wrong with a pipeline on the server."""
    for remark in package.remarks:
        logger.warning(remark)

"""The steps of a compiled pipeline: its tasks that have a pod. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.step_images import CONTROL_IMAGE
from kanaria.pipelines.resources.kubernetes_names import called
from kanaria.pipelines.resources.settings_of_steps import ALL

CONTROL = CONTROL_IMAGE.partition(":")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A task with a container.

    Attributes:
        key: name of the task in its pipeline, condition or loop.
        task: the task in the document, which may be changed.
        component: name of its component.
        label: name of its executor.
        image: image that it runs in.
    """

    key: str
    task: dict[str, Any]
    component: str
    label: str
    image: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.key.replace("-", "_")

    @property
    def is_control(self) -> bool:
        """Whether it runs in the image that holds nothing to compute with."""
        return self.image.rpartition("/")[2].partition(":")[0] == CONTROL

    @property
    def names(self) -> frozenset[str]:
        """What it may be called in a file of settings, spelled alike."""
        display_name = self.task.get("taskInfo", {}).get("name", self.key)
        return frozenset({spelled(self.key), spelled(display_name)})


def spelled(name: str) -> str:
    """Return a step's name as KFP has it: train_model is the task train-model."""
    return name.replace("_", "-")


def _dags(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield document["root"]["dag"]["tasks"]
    for _, component in sorted(document["components"].items()):
        if "dag" in component:
            yield component["dag"]["tasks"]


def leaves(document: Mapping[str, Any]) -> list[Leaf]:
    """Return the steps, by name; an importer has no pod and is none."""
    pod_tasks = []
    executors = document["deploymentSpec"].get("executors", {})
    for tasks in _dags(document):
        for key, task in sorted(tasks.items()):
            component = task["componentRef"]["name"]
            label = document["components"].get(component, {}).get("executorLabel", "")
            container = executors.get(label, {}).get("container")
            if container is not None:
                image = str(container.get("image", ""))
                leaf = Leaf(key=key, task=task, component=component, label=label, image=image)
                pod_tasks.append(leaf)
    return pod_tasks


def check_names(steps: Mapping[str, Any], leaves: list[Leaf], faults: Faults) -> None:
    """Add the names that are no step's, or the same step's twice, to `faults`."""
    by_name = {name: leaf for leaf in leaves for name in leaf.names}
    shown = sorted({leaf.name for leaf in leaves})
    for name in steps:
        if name != ALL and spelled(name) not in by_name:
            hint = meant(name.replace("-", "_"), [*shown, ALL]) or f"; there are {', '.join(shown)}"
            faults.add(f"{called(name)}: no step of this pipeline has this name{hint}")
    for names in sorted({_meant(steps, leaf) for leaf in leaves}):
        if len(names) > 1:
            names_of_step = " and ".join(called(name) for name in names)
            faults.add(f"{names_of_step} are one step; write its settings once")


def _meant(steps: Mapping[str, Any], leaf: Leaf) -> tuple[str, ...]:
    """Return the names in a file that mean a step."""
    return tuple(name for name in steps if name != ALL and spelled(name) in leaf.names)

"""Which tasks compute with TensorFlow, and which of them a fork may run. Pure, but for devices."""

import os
from pathlib import Path

from kanaria.pipelines.local import runtime_python
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.step_code import component_name
from kanaria.pipelines.local.warm_process import forked_step
from kanaria.pipelines.requirements import MARK

COMPUTING = ("transform_data", "train_model", "evaluate_model")
AT_TIMES = ("bless_model",)
"""These need TensorFlow only at times: they fork where there is a warm process."""
STAGES = {"transform_data": 1, "train_model": 1, "evaluate_model": 2, "bless_model": 2}
"""How many stages of `step_imports` each needs."""
NO_DEVICES = ("", "-1")


def computes(task: Task) -> bool:
    """Tell whether a task uses TensorFlow, and all cores, whatever it finds."""
    return component_name(task) in COMPUTING


def stages(task: Task) -> int:
    """Return how many stages of the warm process's imports a task needs."""
    return STAGES[component_name(task)]


def may_fork(task: Task) -> bool:
    """Tell whether a fork of the warm process does what a fresh process would do.

    Not with packages or variables of the task's own, which imports may read.
    """
    image, own = task.container["image"], task.environment
    return (
        component_name(task) in COMPUTING + AT_TIMES
        and runtime_python.runtime_of(image) == "training"
        and MARK not in image
        and all(os.environ.get(name) == value for name, value in own.items())
        and forked_step.is_known(task.container["command"])
    )


def has_gpu() -> bool:
    """Tell whether TensorFlow may see a GPU, whose state no fork can share."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in NO_DEVICES:
        return False
    return any(Path("/dev").glob("nvidia[0-9]*"))

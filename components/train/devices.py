"""Which device a training computes on, and whether it is the one that was meant.

A pod that was given a GPU and does not use it costs the GPU's price at the CPU's speed, so that
ends the step. The pod itself shows what it was given: NVIDIA's device plugin names the GPUs in
NVIDIA_VISIBLE_DEVICES, or the node's `/dev/nvidia0` and so on are inside. On a workstation the
latter lie there anyway, so that alone is no reason to fail outside of a pod.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from kanaria.components.shared.errors import ParameterError, shown

CPU = "CPU"
VISIBLE_GPUS = "NVIDIA_VISIBLE_DEVICES"
LEAKED = "all"
"""Stands in images of CUDA, wherever they run, and shows them GPUs that nobody asked for."""
NOT_NAMED = {"", "none", "void"}
WANTED = "CUDA_VISIBLE_DEVICES"
NONE_WANTED = {"", "-1"}
IN_POD = "KUBERNETES_SERVICE_HOST"
GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"
DEVICE_FILE = re.compile(r"nvidia\d+")


def let_memory_grow() -> None:
    """Let TensorFlow take of a GPU's memory what it needs, not all; a setting of the user's stays.

    The variable is read when the first GPU is used. `set_memory_growth` would fail after that, and
    is lost on GPUs that user code splits into logical devices.
    """
    os.environ.setdefault(GROWTH, "true")


def gpu_given(environment: Mapping[str, str], device_files: Sequence[str]) -> str:
    """Return by what this process was given a GPU, "" where it was not or wants none.

    Args:
        environment: variables of the process.
        device_files: names in `/dev`.
    """
    named = environment.get(VISIBLE_GPUS, "")
    if named == LEAKED or environment.get(WANTED, "unset") in NONE_WANTED:
        return ""
    if named not in NOT_NAMED:
        return f"{VISIBLE_GPUS}={shown(named)}"
    files = sorted(filter(DEVICE_FILE.fullmatch, device_files))
    return f"/dev/{files[0]}" if files and IN_POD in environment else ""


def text(names: Sequence[str]) -> str:
    """Return how the devices are told of, e.g. "GPU:0 NVIDIA H200, GPU:1 NVIDIA H200" or "CPU"."""
    return ", ".join(f"GPU:{number} {name}" for number, name in enumerate(names)) or CPU


def used() -> str:
    """Return the GPUs that TensorFlow may compute on, "CPU" without any."""
    details = map(tf.config.experimental.get_device_details, tf.config.get_visible_devices("GPU"))
    return text([str(detail.get("device_name", "of unknown name")) for detail in details])


def check() -> None:
    """Raise ParameterError when this process was given a GPU and TensorFlow sees none."""
    evidence = gpu_given(os.environ, [path.name for path in Path("/dev").iterdir()])
    if not evidence or tf.config.list_physical_devices("GPU"):
        return
    remedy = (
        "its libraries of CUDA or the node's driver do not load; TensorFlow's lines above say which"
        if tf.test.is_built_with_cuda()
        else "this TensorFlow has no kernels for GPUs: take the image kanaria-training-gpu"
    )
    raise ParameterError(
        f"train_model: a GPU was given ({evidence}), but TensorFlow sees none: {remedy}; to "
        f"train on the CPU all the same, take the GPU off the step, or set {WANTED}=-1"
    )

"""Steps named as those that compute with TensorFlow are, and what a fork may get wrong in them."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_describe(out: dsl.Output[dsl.Artifact]) -> dict:
    import locale
    import logging
    import os
    import resource
    import signal
    import sys
    import tempfile
    import threading
    import warnings
    from pathlib import Path

    logging.warning("a warning")
    lines = Path("/proc/self/status").read_text().splitlines()
    scratch = tempfile.mkdtemp()
    descriptors = [f"/proc/self/fd/{number}" for number in range(100)]
    return {
        "variables": {n: v for n, v in os.environ.items() if n not in ("TMPDIR", "_", "SHLVL")},
        "scratch is ours": str(Path(scratch).parent) == os.environ["TMPDIR"],
        "module": Path(sys.argv[2]).name,
        "module is ours": sys.argv[2].startswith(os.environ["TMPDIR"]),
        "arguments": [part for part in sys.argv[1:] if part.startswith("--")],
        "main": sys.modules["__main__"].__spec__.name,
        "path": [part for part in sys.path if not part.startswith(os.environ["TMPDIR"])],
        "flags": repr(sys.flags),
        "folder": str(Path.cwd()),
        "group": os.getpgrp() == os.getsid(0),
        "input": Path("/proc/self/fd/0").readlink().name,
        "handlers": [repr(each.formatter._fmt) for each in logging.getLogger().handlers],
        "level": logging.getLogger().level,
        "signals": [repr(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, 17)],
        "warnings": [repr(each) for each in warnings.filters],
        "threads": [each.name for each in threading.enumerate()],
        "inherited": [
            line
            for line in lines
            if line.partition(":")[0] in ("Umask", "SigBlk", "SigIgn", "Groups")
        ],
        "limits": [resource.getrlimit(number) for number in range(16)],
        "cores": sorted(os.sched_getaffinity(0)),
        "locale": locale.setlocale(locale.LC_ALL),
        "open files": [each for each in descriptors if Path(each).exists()],
        "unused": [each for each in ("IPython", "pandas", "pymongo") if each in sys.modules],
    }


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_draw() -> list:
    import random
    import uuid

    import numpy as np
    import tensorflow as tf

    rows = tf.data.Dataset.range(10**6).shuffle(10**6)
    return [
        random.random(),
        float(np.random.random()),
        float(np.random.default_rng().random()),
        str(uuid.uuid1()),
        str(uuid.uuid4()),
        float(tf.random.uniform([])),
        float(tf.random.Generator.from_non_deterministic_state().uniform([])),
        float(tf.keras.initializers.GlorotUniform()([1, 1])),
        int(next(iter(rows))),
    ]


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_compute() -> float:
    import tensorflow as tf

    data = tf.data.Dataset.range(1000).map(lambda x: x * x, num_parallel_calls=2).batch(10)
    return float(sum(tf.reduce_sum(batch) for batch in data))


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_once(how: str, out: dsl.Output[dsl.Artifact]) -> str:
    """Do badly in a fork alone."""
    import os
    import threading
    from pathlib import Path

    left = sorted(each.name for each in Path(out.path).parent.iterdir())
    Path(out.path).write_text("half")
    if os.getsid(0) == os.getpid():  # A fresh process has a shell around it.
        match how:
            case "die":
                os.kill(os.getpid(), 11)
            case "hang":
                threading.Event().wait()
            case "kill the host":
                os.kill(os.getppid(), 9)
                threading.Event().wait()
            case "raise":
                raise ValueError("the oven is cold")
    return ", ".join(left)


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_leave() -> str:
    import subprocess
    import tempfile

    process = subprocess.Popen(["sleep", "86400"])
    return f"{process.pid} {tempfile.mkdtemp()}"


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_sleep(out: dsl.Output[dsl.Artifact]):
    import os
    import subprocess
    import time
    from pathlib import Path

    process = subprocess.Popen(["sleep", "86400"])
    Path(out.path).write_text(f"{os.getpid()} {os.getppid()} {process.pid}")
    time.sleep(86400)


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_import(module_file: str) -> NamedTuple("Found", [("value", int), ("file", str)]):
    import sys

    sys.path.insert(0, module_file)
    import bakery

    return bakery.LOAVES, bakery.__file__


@dsl.pipeline(name="training")
def training() -> None:
    train_model_sleep()


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_parent() -> int:
    import os

    return os.getppid()


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_environment() -> dict:
    import os
    from pathlib import Path

    return {
        "variables": dict(os.environ),
        "first": Path("/proc/self/environ").read_bytes().decode(),
        "files": [os.path.realpath(f"/proc/{os.getppid()}/fd/{n}") for n in (0, 1, 2)],
    }


@dsl.pipeline(name="environment")
def looking() -> None:
    train_model_environment().set_caching_options(False)


@dsl.pipeline(name="describing")
def describing() -> None:
    train_model_parent().set_caching_options(False)


@dsl.pipeline(name="answering")
def answering() -> None:
    train_model_parent()

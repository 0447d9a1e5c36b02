"""The whole job, once in the local environments and once in the images: the same artifacts.

`kanaria run` starts `sh` of a task's runtime with the command of the compiled pipeline. Here that
`sh` runs the same command in the task's image: as the user whose run it is, since a run's files are
that user's alone, without a network, on a read-only root, with only the workspace mounted.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from container_engine import PROGRAM, RESTRICTED, ROOT
from workspace import KANARIA, START_SECONDS, Finished, Workspace

TAXI = ROOT / "tests/integration/taxi"
FILES = ("taxi_module.py", "eval_config.pbtxt", "train.yaml")
INTERPRETERS = {"training": "KANARIA_TRAINING_PYTHON", "control": "KANARIA_SERVING_PYTHON"}
RUN_ID = re.compile(rb"train-and-deploy-\d{8}-\d{6}-[0-9a-f]{4}|127\.0\.0\.1:\d+")
# Logs, times of the run, and TensorBoard's events, whose names and contents hold the time.
TIMED = ("log.txt", "run.json", "index.html", ".lock", "events.out.tfevents")
REPORT = "report-run"
"""The exit handler, whose page tells times."""
WRAPPER = """#!/bin/sh
{note}
exec {program} run {options} --env KANARIA_SERVING_ROOT --volume {folder}:{folder} \\
  {image} {command} "$@"
"""


@dataclass(frozen=True)
class Both:
    """The finished runs and what each left, and the images in the order tasks ran in them."""

    local: Finished
    contained: Finished
    local_root: Path
    contained_root: Path
    ran: list[str]


@contextmanager
def served(state: Path) -> Iterator[None]:
    """Serve on this machine: the way to deliver of `kanaria run`."""
    state.mkdir(parents=True)
    process = subprocess.Popen([KANARIA, "serve", "--state", state, "--port", "0"])
    deadline = time.monotonic() + START_SECONDS
    try:
        while not (state / "server.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def write_wrappers(folder: Path, bin_folder: Path, image: str) -> Path:
    """Write `sh` and `python`, which run in a container; return the latter.

    Tasks run by `sh`, which keeps a record; by `python` the runner asks what a runtime holds.
    """
    bin_folder.mkdir(parents=True)
    record = f"echo {image} >> {folder / 'ran.txt'}"
    for name, command, note in (("sh", "sh", record), ("python", "python3", "")):
        text = WRAPPER.format(
            image=image,
            note=note,
            program=shutil.which(PROGRAM),
            options=" ".join([*RESTRICTED, "--user", f"{os.geteuid()}:{os.getegid()}"]),
            folder=folder,
            command=command,
        )
        (bin_folder / name).write_text(text)
        (bin_folder / name).chmod(0o755)
    return bin_folder / "python"


@pytest.fixture(scope="module")
def both(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("images")
    for name in FILES:
        shutil.copy(TAXI / name, folder)
    # A container without a network reaches no revision, and answers take what time they take.
    parameters = yaml.safe_load((folder / "train.yaml").read_text())
    parameters["delivery"]["checks"] = dict.fromkeys(("signature", "api_call", "load"), False)
    (folder / "train.yaml").write_text(yaml.safe_dump(parameters))
    subprocess.run([sys.executable, TAXI / "make_data.py", folder / "taxi.csv", "1500"], check=True)
    workspace = Workspace(folder)
    with served(workspace.root / "serving"):
        local = workspace.run()
    local_root = workspace.root.rename(folder / "local")  # Both runs have one path.
    with pytest.MonkeyPatch.context() as patch:
        for runtime, variable in INTERPRETERS.items():
            place = folder / "bin" / runtime / "bin"
            patch.setenv(variable, str(write_wrappers(folder, place, images[runtime])))
        with served(workspace.root / "serving"):
            contained = workspace.run()
    ran = (folder / "ran.txt").read_text().split()
    yield Both(local, contained, local_root, workspace.root, ran)


def content(path: Path) -> Any:
    """Return what a file holds, without the name of the run and the port of the server.

    Beam writes the records of an evaluation in any order.
    """
    data = path.read_bytes()
    if path.suffix == ".tfrecord":
        return sorted(records(data))
    return RUN_ID.sub(b"", data)


def records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a TFRecord file: length, its checksum, data, its checksum."""
    start = 0
    while start < len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        yield data[start + 12 : start + 12 + length]
        start += 16 + length


def artifacts(root: Path) -> dict[str, Any]:
    """Return the files of the run, of its releases and of what was published, by their paths."""
    paths = [p for part in ("runs", "models", "files") for p in (root / part).rglob("*")]
    return {
        RUN_ID.sub(b"", str(path.relative_to(root)).encode()).decode(): content(path)
        for path in paths
        if path.is_file() and not path.name.startswith(TIMED) and REPORT not in path.parts
    }


def recorded(root: Path) -> list[Any]:
    """Return the name, the state and all outputs of every task, metrics among them."""
    text = next(root.glob("runs/*/run.json")).read_bytes()
    tasks = json.loads(RUN_ID.sub(b"", text))["tasks"]
    fields = ("name", "state", "parameters", "artifacts", "metadata")
    compared = {task["name"]: fields[:3] if task["name"] == REPORT else fields for task in tasks}
    return [[task[field] for field in compared[task["name"]]] for task in tasks]


def test_every_task_ran_in_its_image(both: Both, images: dict[str, str]):
    assert both.contained.code == 0, both.contained.errors
    assert set(both.contained.states.values()) == {"succeeded"}
    compiled = ROOT / "pipelines/train_and_deploy/pipeline.yaml"
    executors = yaml.safe_load(compiled.read_text())["deploymentSpec"]["executors"].values()
    wanted = [executor["container"]["image"] for executor in executors]
    assert {image.rpartition("/")[2] for image in both.ran} == set(wanted)
    assert len(both.ran) == len(wanted)
    assert set(both.ran) == set(images.values())


def test_the_artifacts_equal_those_of_the_local_run(both: Both):
    local, contained = artifacts(both.local_root), artifacts(both.contained_root)
    assert sorted(contained) == sorted(local)
    assert [name for name in local if local[name] != contained[name]] == []
    kinds = ("examples/", "statistics/", "schema.pbtxt", "saved_model.pb", "outcome.json")
    for kind in (
        *kinds,
        "variables.data",
        "metrics-00000",
        "transform_fn/",
        "endpoint.json",
        "reference.npz",
    ):
        assert any(kind in name for name in local), f"nothing of {kind} was compared"


def test_the_recorded_outputs_equal_those_of_the_local_run(both: Both):
    assert recorded(both.contained_root) == recorded(both.local_root)

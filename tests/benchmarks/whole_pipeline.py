"""The taxi pipeline, command to pushed model, beside TFX's LocalDagRunner, in turns.

Both take the same rows, user module, 1,000 steps of 64, 25 slices and thresholds, each in a fresh
folder. A round runs each way once; `warm` finds the process that an earlier run kept
(`--keep-warm`). What differs: ours also starts a server, checks and load-tests the model in it.
"""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from measured import measure

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "tests/integration/taxi/taxi_module.py"
TAXI = Path(__file__).parent / "taxi"
KANARIA = ROOT / ".venv/serving/bin/kanaria"
TFX = ROOT / ".venv/tfx/bin/python"
# Both sides have their bytecode compiled; a variable that forbids it would slow ours alone.
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
KEEP_MINUTES = "30"
WARM_REUSED = "uses the warm process of an earlier one"
FIRST = "first"
"""Folder of the run that leaves the process for the warm ones."""


def repeated(source: Path, times: int, target: Path) -> Path:
    """Write the rows of `source` `times` times under one header."""
    with source.open("rb") as rows, target.open("wb") as written:
        header = rows.readline()
        written.write(header)
        for _ in range(times):
            rows.seek(len(header))
            shutil.copyfileobj(rows, written)
    return target


def of_tfx(data: Path, folder: Path) -> dict[str, Any]:
    """Run TFX once; return its figures with the seconds of imports and components."""
    command = [TFX, TAXI / "tfx_pipeline.py", data.parent, MODULE, TAXI / "eval_config.pbtxt"]
    took = measure([*command, folder], ENVIRONMENT, folder / "log.txt")
    return asdict(took) | {"steps": json.loads((folder / "seconds.json").read_text())}


def of_kanaria(data: Path, folder: Path, warm: str = "") -> dict[str, Any]:
    """Run ours once; return its figures with the seconds and memory of its steps.

    Args:
        data: CSV file.
        folder: empty folder for its results.
        warm: mark of the runs that share a kept process; "" for a run that finds none.

    Raises:
        SystemExit: the run found a kept process and was to have none, or the reverse.
    """
    values = {
        "data": data,
        "module_file": MODULE,
        "eval_config_file": TAXI / "eval_config.pbtxt",
        "service": '{"name": "taxi"}',
        "model_root": folder / "models",
        "train_steps": 1000,
        "eval_steps": 100,
    }
    command = [KANARIA, "run", "train_and_deploy", "--root", folder / "root"]
    command += ["--keep-warm", KEEP_MINUTES] * bool(warm)
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    # A kept process belongs to an environment, so one of its own finds none.
    own = {} if warm else {"COLD_RUN": uuid.uuid4().hex}
    took = measure(command, ENVIRONMENT | own, folder / "log.txt", mark=warm)
    record = next((folder / "root/runs").glob("*/run.json"))
    was_warm = WARM_REUSED in (record.parent / "warm/log.txt").read_text()
    if was_warm != (bool(warm) and folder.name != FIRST):
        raise SystemExit(f"{folder}: kept process used: {was_warm}")
    tasks = json.loads(record.read_text(encoding="utf-8"))["tasks"]
    steps = {task["name"]: task["seconds"] for task in tasks}
    memory = {task["name"]: task["peak_mb"] for task in tasks}
    return asdict(took) | {"steps": steps, "steps_peak_mb": memory}


def rounds(source: Path, times: int, count: int, folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield (way, figures) of `count` rounds over `times` times the rows of `source`."""
    data = repeated(source, times, _new(folder / "data") / "data.csv")
    mark = uuid.uuid4().hex
    of_kanaria(data, _new(folder / FIRST), mark)
    for index in range(count):
        place = _new(folder / f"round{index}")
        yield "tfx", of_tfx(data, _new(place / "tfx"))
        yield "cold", of_kanaria(data, _new(place / "cold"))
        yield "warm", of_kanaria(data, _new(place / "warm"), mark)
        shutil.rmtree(place)
    subprocess.run([KANARIA, "runs", "stop-warm"], check=True)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder

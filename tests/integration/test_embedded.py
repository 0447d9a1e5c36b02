"""The how-to page of embedded models, typed as it stands: module, pipeline, run, device."""

import csv
import json
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workspace import KANARIA

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/embedded.md").read_text()
TRAINING = ROOT / ".venv/training/bin/python"


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, the compiled pipeline and data."""
    folder = tmp_path_factory.mktemp("embedded")
    for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(text)
    draw = random.Random(0)
    with (folder / "tips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["fare", "way", "tipped"])
        for _ in range(600):
            fare, way = draw.uniform(2, 60), draw.choice(["cash", "card", "app"])
            writer.writerow([f"{fare:.2f}", way, int(way != "cash" and fare > 15)])
    subprocess.run([sys.executable, "embedded.py"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def run(typed: Path) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    def one(*more: str) -> tuple[int, str, dict[str, Any]]:
        (line,) = re.findall(r"^kanaria (run .* module_file=\S+)$", PAGE, re.MULTILINE)
        command = [KANARIA, *shlex.split(line), *more]
        done = subprocess.run(command, cwd=typed, capture_output=True, text=True)
        records = (typed / ".kanaria/runs").glob("*/run.json")
        newest = max(records, key=lambda path: path.stat().st_mtime)
        return done.returncode, done.stdout + done.stderr, json.loads(newest.read_text())

    return one


def states(record: dict[str, Any]) -> dict[str, str]:
    return {task["name"].rpartition("/")[2]: task["state"] for task in record["tasks"]}


def test_the_page_as_it_stands_makes_a_file_that_a_device_runs(typed: Path, run: Any):
    code, said, record = run()
    assert code == 0, said
    assert set(states(record).values()) == {"succeeded"}
    (file,) = (typed / ".kanaria").rglob("model.tflite")
    device = [TRAINING, "-I", typed / "device.py", file]
    answered = subprocess.run(device, capture_output=True, text=True, check=True)
    (value,) = re.findall(r"\[\[([0-9.e-]+)\]\]", answered.stdout)
    assert 0 <= float(value) <= 1


def test_another_quantization_reuses_the_training(run: Any):
    code, said, record = run("--set", "quantization=float16")
    assert code == 0, said
    assert states(record)["train-model"] == "reused"
    assert states(record)["export-lite"] == "succeeded"


def test_a_limit_that_does_not_hold_ends_the_run_with_value_limit_and_row(run: Any):
    code, said, record = run("--set", "quantization=int8")
    assert code == 1
    assert states(record)["export-lite"] == "succeeded"
    assert re.search(
        r"require-passed: DataError: export_lite did not pass: output 'outputs' differs by [0-9.]+ "
        r"from the SavedModel at row \d+, limit 0\.02",
        said,
    )

"""Seconds and peak memory of every step of `train_and_deploy`, at 15k and 150k rows.

Usage: steps.py [CSV]   Without a file, taxi-shaped data of 15,000 rows is made.

Each size runs in a fresh root, so nothing is reused; every step is its own process, so the
figures include its imports. Memory is the largest sum over a step's processes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAXI = ROOT / "tests/integration/taxi"
KANARIA = Path(sys.executable).with_name("kanaria")


def repeated(source: Path, times: int, target: Path) -> Path:
    """Write the rows of `source` `times` times under one header."""
    header, _, rows = source.read_text(encoding="utf-8").partition("\n")
    target.write_text(header + "\n" + rows * times, encoding="utf-8")
    return target


def measure(data: Path, folder: Path) -> list[dict[str, object]]:
    """Run the pipeline on `data` and return its tasks as recorded in run.json."""
    command = [KANARIA, "run", "train_and_deploy", "--root", folder / "root"]
    command += ["--config", TAXI / "train.yaml", "--set", f"data={data}"]
    subprocess.run(command, check=True)
    record = next((folder / "root/runs").glob("*/run.json"))
    return json.loads(record.read_text(encoding="utf-8"))["tasks"]


def main() -> None:
    """Print one table a size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            source = Path(sys.argv[1])
        else:
            source = folder / "taxi.csv"
            subprocess.run([sys.executable, TAXI / "make_data.py", source, "15000"], check=True)
        for times in (1, 10):
            place = folder / f"times{times}"
            place.mkdir()
            tasks = measure(repeated(source, times, place / "data.csv"), place)
            sys.stdout.write(f"\n{times} x {source.name}: task, seconds, peak MB\n")
            for task in tasks:
                sys.stdout.write(f"  {task['name']:20} {task['seconds']} {task['peak_mb']}\n")


if __name__ == "__main__":
    main()

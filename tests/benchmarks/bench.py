"""Measures Kanaria beside its peers, in turns, in one sitting; `make bench` runs it.

Usage: bench.py [--csv FILE] [--rounds 3] [--times 1 10] [--only PART ...] [--results FOLDER]

Without a CSV file, taxi-shaped trips are made. Each part writes its figures into
`results/<part>.json`; the table and the plot are made of all that lie there. Run it on a machine
that does nothing else: the load before each part is written down with its figures.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import drift_table
import results
import serving_requests
import whole_pipeline

HERE = Path(__file__).parent
TRAINING = HERE.parents[1] / ".venv/training/bin/python"


def _pipeline(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    by_size: dict[str, Any] = {}
    for times in options.times:
        rows = by_size.setdefault(f"{times} x", {})
        place = folder / f"times{times}"
        for way, figures in whole_pipeline.rounds(options.csv, times, options.rounds, place):
            rows.setdefault(way, []).append(figures)
            print(f"{times} x, {way}: {figures['seconds']} s", flush=True)
    return by_size


def _engines(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    data = whole_pipeline.repeated(options.csv, max(options.times), folder / "data.csv")
    command = [TRAINING, HERE / "engines.py", data, folder, str(options.rounds)]
    answer = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    )
    by_engine: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return by_engine


def _requests(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return serving_requests.compared(options.rounds, folder)


def _drift(_: argparse.Namespace, __: Path) -> dict[str, Any]:
    return drift_table.compared(drift_table.parsed([]))


PARTS: Mapping[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "pipeline": _pipeline,
    "engines": _engines,
    "requests": _requests,
    "drift": _drift,
}


def _machine() -> dict[str, Any]:
    model = next(
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, help="taxi trips; made if not given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--results", type=Path, default=HERE / "results")
    return parser.parse_args()


def main() -> None:
    """Run the parts that are asked for, then write table and plot."""
    options = _options()
    options.results.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kanaria-bench-") as name:
        if not options.csv:
            options.csv = Path(name) / "taxi.csv"
            maker = whole_pipeline.MODULE.with_name("make_data.py")
            subprocess.run([sys.executable, maker, options.csv, "15000"], check=True)
        for part in options.only:
            machine, folder = _machine(), Path(name) / part
            folder.mkdir()
            figures = PARTS[part](options, folder)
            text = json.dumps({"machine": machine, "figures": figures}, indent=1)
            (options.results / f"{part}.json").write_text(text + "\n")
    print(results.write(options.results))


if __name__ == "__main__":
    main()

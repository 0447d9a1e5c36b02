"""Rows a second of the table test beside alibi-detect's TabularDrift, in one run.

Usage: drift_table.py [--rows 10000] [--window 1000] [--windows 200]

12 numbers and 6 categories. alibi-detect runs as a process of its own in `.venv/alibi` (`make
.venv/alibi/.synced`); the two take turns in short rounds, so that both meet the same load of the
machine. Medians over all windows.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROUNDS = 4
NUMBERS, CATEGORIES = 12, 6
ALIBI = Path(__file__).parents[2] / ".venv/alibi/bin/python"


def matrix(seed: int, rows: int) -> np.ndarray:
    """Return rows of numbers, then of categories, without drift."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, NUMBERS))
    return np.hstack([numbers, generator.integers(0, 8, (rows, CATEGORIES))]).astype("float32")


def ours(options: argparse.Namespace):
    """Return the test of one window by Kanaria."""
    from kanaria.serving.drift.table_columns import from_matrix
    from kanaria.serving.drift.table_detector import Table

    detector = Table(categorical=tuple(str(NUMBERS + i) for i in range(CATEGORIES)))
    reference = detector.fit(from_matrix(matrix(0, options.rows)))
    return lambda window: detector.test(reference, from_matrix(window)).p_value


def theirs(options: argparse.Namespace):
    """Return the test of one window by alibi-detect."""
    from alibi_detect.cd import TabularDrift

    kinds = {NUMBERS + i: None for i in range(CATEGORIES)}
    detector = TabularDrift(matrix(0, options.rows), categories_per_feature=kinds)
    return lambda window: float(detector.predict(window)["data"]["p_val"].min())


def measured(options: argparse.Namespace) -> None:
    """Test a round of windows for each line read; write seconds and smallest p-values."""
    test = ours(options) if options.who == "ours" else theirs(options)
    test(matrix(1, options.window))
    print("ready", flush=True)
    for line in sys.stdin:
        rounds = []
        for seed in range(int(line), int(line) + options.windows // ROUNDS):
            window = matrix(seed, options.window)
            began = time.perf_counter()
            p_value = test(window)
            rounds.append((time.perf_counter() - began, p_value))
        print(json.dumps(rounds), flush=True)


def worker(python: str, who: str, options: argparse.Namespace) -> subprocess.Popen[str]:
    """Start the process of one of the two, and wait until it is ready."""
    sizes = ["--rows", str(options.rows), "--window", str(options.window)]
    command = [python, "-I", __file__, "--who", who, *sizes, "--windows", str(options.windows)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    while answer(process) != "ready":
        pass
    return process


def answer(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process."""
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{process.args[0]} ended; is .venv/alibi installed?")
    return line.strip()


def compared(options: argparse.Namespace) -> dict[str, object]:
    """Let both test the same windows in turns; return rows a second, ratio and agreement."""
    workers = {
        "kanaria": worker(sys.executable, "ours", options),
        "alibi-detect": worker(str(ALIBI), "theirs", options),
    }
    by_way = {name: [] for name in workers}
    for turn in range(ROUNDS):
        for name, process in workers.items():
            process.stdin.write(f"{100 + turn * options.windows}\n")
            process.stdin.flush()
            by_way[name] += json.loads(answer(process))
    for process in workers.values():
        process.stdin.close()
        process.wait()
    taken = {name: np.median([row[0] for row in rows]) for name, rows in by_way.items()}
    smallest = {name: np.array([row[1] for row in rows]) for name, rows in by_way.items()}
    # Ours is corrected for the number of features.
    corrected = np.minimum(1, smallest["alibi-detect"] * (NUMBERS + CATEGORIES))
    return {
        "rows_per_second": {n: round(options.window / seconds) for n, seconds in taken.items()},
        "ratio": round(taken["alibi-detect"] / taken["kanaria"], 1),
        "largest_difference_of_p_values": float(np.abs(corrected - smallest["kanaria"]).max()),
    }


def main() -> None:
    """Print medians over all windows, their ratio, and how far the p-values agree."""
    options = parsed(sys.argv[1:])
    if options.who:
        measured(options)
    else:
        print(json.dumps(compared(options), indent=1))


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--window", type=int, default=1_000)
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--who", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

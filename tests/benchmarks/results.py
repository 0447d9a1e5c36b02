"""Makes a Markdown table and a plot of the figures that `bench.py` wrote.

Usage: results.py [FOLDER]
"""

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

TABLE, PLOT = "README.md", "pipeline.svg"
WAYS = {"tfx": "TFX 1.16, LocalDagRunner", "cold": "Kanaria", "warm": "Kanaria, `--keep-warm`"}
PUSH = "push-model"
DIFFERS = (
    "Same rows, user module, 1,000 steps of 64, 25 slices and thresholds; whole commands with "
    "their imports, bytecode compiled on both sides, in turns on one machine. TFX copies the "
    "model into a folder. Kanaria also starts a server, loads the model into it, calls it and "
    "load-tests it; *without push* leaves those seconds out. TFX also writes shuffled gzip "
    "TFRecord examples, statistics after the transform, and metadata of every execution, which "
    "Kanaria does not; Kanaria also fits a drift detector. 10 x is the same file ten times."
)


ENGINE_PEERS = {
    "beam": "the library's pipeline on Beam, as Kanaria runs it",
    "tft": "TFT's pipeline, gzip TFRecord in and out",
}
ENGINES_DIFFER = (
    "The work alone, imports excluded, in turns in one process: the same rows (10 x), module and "
    "model. Validation and transform have them in two splits, the evaluation scores all, with 15 "
    "metrics on 25 slices; TFMA's minutes are measured in two rounds, all else in three or more."
)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the median with the least and the greatest, as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return [_row(*head), _row(*["---"] * len(head)), *(_row(*row) for row in rows), ""]


def _seconds(runs: Sequence[Mapping[str, Any]], *, push: bool = True) -> list[float]:
    return [run["seconds"] - (0 if push else run["steps"].get(PUSH, 0)) for run in runs]


def _measured(ways: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(way, title) for way, title in WAYS.items() if way in ways]


def _pipeline(figures: Mapping[str, Any]) -> list[str]:
    lines = ["## The whole taxi pipeline", "", DIFFERS, ""]
    head = ("rows", "way", "seconds", "times faster", "without push", "CPU s", "peak MiB")
    rows = []
    for size, ways in figures.items():
        peer = statistics.median(_seconds(ways["tfx"]))
        for way, title in _measured(ways):
            runs = ways[way]
            bare = _seconds(runs, push=False)
            rows.append(
                (
                    size,
                    title,
                    spread(_seconds(runs)),
                    f"{peer / statistics.median(_seconds(runs)):.2f}",
                    f"{spread(bare)}: {peer / statistics.median(bare):.2f}",
                    spread([run["cpu_seconds"] for run in runs]),
                    spread([run["peak_mb"] for run in runs], 0),
                )
            )
    lines += _table(head, rows)
    for size, ways in figures.items():
        for way, title in _measured(ways):
            names = ways[way][0]["steps"]
            medians = [
                f"{name} {statistics.median(run['steps'][name] for run in ways[way]):.1f}"
                for name in names
            ]
            lines += [f"{size}, {title}, seconds of steps (medians): {', '.join(medians)}.", ""]
    return lines


def _engines(figures: Mapping[str, Any]) -> list[str]:
    rows = []
    for step, ways in figures.items():
        ours = ways["kanaria"]
        for way, title in ENGINE_PEERS.items():
            if way in ways:
                ratios = [
                    statistics.median(_column(ways[way], name))
                    / statistics.median(_column(ours, name))
                    for name in ("seconds", "cpu_seconds")
                ]
                columns = [
                    spread(_column(runs, name), 2)
                    for name in ("seconds", "cpu_seconds")
                    for runs in (ours, ways[way])
                ]
                rows.append((step, title, *columns, *(f"{ratio:.1f}" for ratio in ratios)))
    head = ("step", "peer", "Kanaria s", "peer s", "Kanaria CPU s", "peer CPU s")
    table = _table((*head, "times faster", "by CPU"), rows)
    return ["## Engines", "", ENGINES_DIFFER, "", *table]


def _column(runs: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [run[name] for run in runs]


def _requests(figures: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            name,
            *(
                spread([run[key] for run in runs])
                for key in ("requests_per_second", "p50_ms", "p99_ms")
            ),
        )
        for name, runs in figures.items()
    ]
    note = (
        "V1 requests of one row by eight clients, the same SavedModel. Kanaria's go through its "
        "weighted router to a predictor; KServe's Python server is asked directly."
    )
    return [
        "## Requests",
        "",
        note,
        "",
        *_table(("server", "requests/s", "p50 ms", "p99 ms"), rows),
    ]


def _drift(figures: Mapping[str, Any]) -> list[str]:
    rows = list(figures["rows_per_second"].items())
    note = (
        f"Windows of 1,000 rows of 18 columns against 10,000: {figures['ratio']} times faster; "
        f"p-values differ by {figures['largest_difference_of_p_values']:.1e} at most."
    )
    return ["## Drift of a table", "", note, "", *_table(("detector", "rows/s"), rows)]


PARTS: Mapping[str, Callable[[Any], list[str]]] = {
    "pipeline": _pipeline,
    "engines": _engines,
    "requests": _requests,
    "drift": _drift,
}


def _plot(figures: Mapping[str, Any], path: Path) -> None:
    """Draw the seconds of the whole pipeline by size and way."""
    figure, axes = pyplot.subplots(figsize=(7, 3))
    labels, values = [], []
    for size, ways in figures.items():
        for way, title in _measured(ways):
            labels.append(f"{size}: {title.replace('`', '')}")
            values.append(statistics.median(_seconds(ways[way])))
    axes.barh(labels[::-1], values[::-1])
    axes.set_xlabel("seconds, command to pushed model")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def write(folder: Path) -> str:
    """Write table and plot of the parts measured so far; return the table."""
    lines = [
        "# Kanaria beside its peers",
        "",
        "`make bench` repeats this. Medians (least to most).",
        "",
    ]
    for part, render in PARTS.items():
        file = folder / f"{part}.json"
        if not file.exists():
            continue
        document = json.loads(file.read_text())
        lines += render(document["figures"])
        machine = document["machine"]
        lines += [
            f"Measured {machine['date']}: {machine['cores']} cores of {machine['processor']}, "
            f"{machine['memory_gib']} GiB, load {machine['load_before']} before.",
            "",
        ]
        if part == "pipeline":
            _plot(document["figures"], folder / PLOT)
            lines += [f"![seconds of the whole pipeline]({PLOT})", ""]
    text = "\n".join(lines)
    (folder / TABLE).write_text(text)
    return text


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")

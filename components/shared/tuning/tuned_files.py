"""Writes what a search ended with: the best hyperparameters, all trials, and the page of both."""

import json
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.storage import atomic
from kanaria.components.shared.tuning import report
from kanaria.components.shared.tuning.search_result import Tuned

BEST = "best_hyperparameters.txt"
"""The name that TFX's Tuner gives it."""
RESULTS = "tuner_results.json"


@dataclass(frozen=True, slots=True)
class Targets:
    """The folders, and the page, that are written."""

    best_hyperparameters: Path
    tuner_results: Path
    report: Path


def write(tuned: Tuned, targets: Targets) -> None:
    """Write all of it, each output whole or not at all."""
    contents = {
        (targets.best_hyperparameters, BEST): json.dumps(tuned.hyperparameters),
        (targets.tuner_results, RESULTS): tuned.results(),
    }
    for (target, name), content in contents.items():
        with atomic.published(target) as folder:
            folder.mkdir()
            (folder / name).write_text(content, encoding="utf-8")
    atomic.write_text(targets.report, report.page(tuned))

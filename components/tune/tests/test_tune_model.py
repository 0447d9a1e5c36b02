"""Whole searches: what is best, what is written, and what a search's seed decides."""

import csv
import json
from pathlib import Path

import keras_tuner
import pytest

from kanaria.components.tune.lean_imports import tune


def scores(tuned) -> list[tuple[object, ...]]:
    return [(t.trial_id, t.score, t.hyperparameters, t.metrics) for t in tuned.trials]


def test_the_best_is_near_a_known_optimum_and_better_than_the_defaults(request_with, targets, bowl):
    tuned = tune(request_with(bowl, custom_config={"trials": 200}, seed=4), targets())
    best = tuned.best
    assert len(tuned.trials) == 200
    assert best.score < 0.6 < 11.5  # Of the defaults; 0.25 is the optimum.
    assert abs(best.hyperparameters["a"] - 1.5) < 0.6
    assert abs(best.hyperparameters["b"] - 12) <= 2
    expected = [
        (t.hyperparameters["a"] - 1.5) ** 2 + (t.hyperparameters["b"] - 12) ** 2 / 16 + 0.25
        for t in tuned.trials
    ]
    assert [t.score for t in tuned.trials] == pytest.approx(expected)


def test_what_is_written_is_what_tfx_writes_and_keras_tuner_reads(request_with, targets, bowl):
    made = targets()
    tuned = tune(request_with(bowl, max_trials=5), made)
    text = (made.best_hyperparameters / "best_hyperparameters.txt").read_text()
    assert json.loads(text) == tuned.hyperparameters
    read = keras_tuner.HyperParameters.from_config(json.loads(text))
    assert read.get("a") == tuned.best.hyperparameters["a"]
    results = json.loads((made.tuner_results / "tuner_results.json").read_text())
    assert (results["objective"], results["direction"]) == ("loss", "min")
    assert len(results["trials"]) == 5
    assert min(trial["score"] for trial in results["trials"]) == tuned.best.score
    page = made.report.read_text()
    assert f"of 5 trials: {tuned.best.score:.6g}" in page
    assert "Scores by hyperparameter" in page


def test_one_seed_gives_one_search_and_another_another(request_with, targets, bowl):
    first, again, other = (
        tune(request_with(bowl, max_trials=4, seed=seed), targets(f"{number}"))
        for number, seed in enumerate([7, 7, 8])
    )
    assert scores(first) == scores(again)
    assert scores(first) != scores(other)


def test_a_trials_metrics_are_what_keras_logs_of_its_best_epoch(
    request_with, targets, line, tmp_path: Path
):
    tuner_folder = tmp_path / "kept"
    tuned = tune(request_with(line, seed=3, tuner_dir=str(tuner_folder)), targets())
    assert [trial.status for trial in tuned.trials] == ["COMPLETED"] * 4
    assert tuned.best.score == min(trial.score for trial in tuned.trials)
    # The default rate, 1e-5, leaves the line where it began.
    assert tuned.best.hyperparameters["learning_rate"] > 1e-2
    with (tuner_folder / "trials/log.csv").open() as file:
        epochs = list(csv.DictReader(file))  # Of the last trial, whose file this is.
    last = tuned.trials[-1]
    best = min(epochs, key=lambda epoch: float(epoch["val_loss"]))
    assert last.step == int(best.pop("epoch"))
    assert last.metrics == {name: float(value) for name, value in best.items()}
    assert last.score == last.metrics["val_loss"]


def test_trials_in_processes_give_what_trials_one_after_another_give(request_with, targets, line):
    alone = tune(request_with(line, seed=3), targets("alone"))
    together = tune(request_with(line, seed=3, parallel_trials=2), targets("together"))
    assert scores(alone) == scores(together)
    assert alone.hyperparameters == together.hyperparameters


def test_processes_wait_for_the_trial_that_first_names_the_space(request_with, targets, bowl):
    alone = tune(request_with(bowl, max_trials=5, seed=2), targets("alone"))
    together = tune(request_with(bowl, max_trials=5, seed=2, parallel_trials=2), targets("both"))
    assert len(together.trials) == 5
    assert scores(alone) == scores(together)

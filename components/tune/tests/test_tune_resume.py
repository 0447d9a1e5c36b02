"""A killed search goes on where it was, and ends as if nothing had happened."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from kanaria.components.shared.errors import NotReadyError
from kanaria.components.tune.lean_imports import tune


@pytest.fixture
def trials(tmp_path_factory) -> Path:
    """A file, not beside the module, of which it would be a part."""
    return tmp_path_factory.mktemp("counted") / "trials"


@pytest.fixture
def counting(bowl: str, trials: Path) -> str:
    """The bowl, which writes each trial that it runs into the file `trials`."""
    head = "    def run_trial(self, trial):\n"
    line = f'        print(trial.trial_id, file=open({str(trials)!r}, "a"), flush=True)\n'
    return bowl.replace(head, head + line)


def killed(request, made: Path, kills: list[dict[str, int]]) -> list[int]:
    script = Path(__file__).with_name("killed_search.py")
    fields = {n: str(v) if isinstance(v, Path) else v for n, v in asdict(request).items()}
    plan = {"request": fields, "made": str(made), "kills": kills}
    done = subprocess.run(
        [sys.executable, "-I", script], input=json.dumps(plan), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_trial_that_ended_runs_again_after_kills(
    request_with, targets, counting, trials, tmp_path: Path, overwrite: bool
):
    module = counting.replace('project_name="bowl"', f'project_name="bowl", overwrite={overwrite}')
    undisturbed = tune(request_with(module, max_trials=6), targets())
    trials.unlink()
    request = request_with(module, max_trials=6, tuner_dir=str(tmp_path / "kept"))
    kills = [{"trials": 3}, {"trials": 2}, {"flushes": 2}]
    assert killed(request, tmp_path / "killed", kills) == [-9, -9, -9, 0]
    # The last kill came after trial 4 and before its end was written.
    assert trials.read_text().split() == [*"01234", *"45"]
    results = json.loads((tmp_path / "killed/results/tuner_results.json").read_text())
    assert results == json.loads(undisturbed.results())


def test_a_tuner_that_learns_from_scores_ends_where_it_would_have(
    request_with, targets, bowl, tmp_path: Path
):
    module = bowl.replace("keras_tuner.RandomSearch", "keras_tuner.BayesianOptimization")
    module = module.replace('project_name="bowl"', 'project_name="bowl", num_initial_points=2')
    undisturbed = tune(request_with(module, max_trials=6, seed=5), targets())
    request = request_with(module, max_trials=6, seed=5, tuner_dir=str(tmp_path / "kept"))
    assert killed(request, tmp_path / "killed", [{"trials": 5}, {"trials": 2}]) == [-9, -9, 0]
    results = json.loads((tmp_path / "killed/results/tuner_results.json").read_text())
    assert results == json.loads(undisturbed.results())


def test_a_killed_process_of_trials_ends_the_step_and_the_next_goes_on(
    request_with, targets, bowl, tmp_path_factory, tmp_path: Path
):
    ran, was_killed = (tmp_path_factory.mktemp("seen") / name for name in ("ran", "killed"))
    head = "    def run_trial(self, trial):\n"
    kill = (
        f"        import os\n"
        f'        print(trial.trial_id, file=open({str(ran)!r}, "a"), flush=True)\n'
        f'        if trial.trial_id == "3" and not os.path.exists({str(was_killed)!r}):\n'
        f'            open({str(was_killed)!r}, "w").close()\n'
        f"            os.kill(os.getpid(), 9)\n"
    )
    module = bowl.replace(head, head + kill)
    settings = {"max_trials": 6, "parallel_trials": 2, "tuner_dir": str(tmp_path / "kept")}
    with pytest.raises(NotReadyError, match="a process that ran a trial was killed"):
        tune(request_with(module, **settings), targets("first"))
    assert not (tmp_path / "first").exists()
    ended = json.loads((tmp_path / "kept/search.json").read_text())["files"]
    before = {name.split("_")[1].split("/")[0] for name in ended if name.startswith("trial_")}
    ran.unlink()
    again = tune(request_with(module, **settings), targets("again"))
    done = {"0", "1", "2", "3", "4", "5"}
    completed = {one for one in before if '"COMPLETED"' in ended[f"trial_{one}/trial.json"]}
    assert "0" in completed and sorted(ran.read_text().split()) == sorted(done - completed)
    undisturbed = tune(request_with(module, max_trials=6), targets("undisturbed"))
    assert again.results() == undisturbed.results()


def test_a_search_of_another_seed_or_code_begins_anew(
    request_with, targets, bowl, tmp_path, caplog
):
    place = str(tmp_path / "kept")
    tune(request_with(bowl, max_trials=3, seed=1, tuner_dir=place), targets("first"))
    other = tune(request_with(bowl, max_trials=3, seed=2, tuner_dir=place), targets("other"))
    fresh = tune(request_with(bowl, max_trials=3, seed=2), targets("fresh"))
    assert other.results() == fresh.results()
    assert "of other data, code or parameters: the search begins anew" in caplog.text
    changed = bowl.replace("+ 0.25", "+ 7.0")
    tuned = tune(request_with(changed, max_trials=3, seed=2, tuner_dir=place), targets("changed"))
    assert tuned.best.score >= 7.0


def test_an_equal_search_that_ended_is_not_run_again(
    request_with, targets, counting, trials, tmp_path
):
    request = request_with(counting, max_trials=3, tuner_dir=str(tmp_path / "kept"))
    first = tune(request, targets("first"))
    again = tune(request, targets("again"))
    assert trials.read_text().split() == ["0", "1", "2"]
    assert again.results() == first.results()


def test_a_damaged_state_begins_anew(request_with, targets, bowl, tmp_path, caplog):
    request = request_with(bowl, max_trials=3, tuner_dir=str(tmp_path / "kept"))
    first = tune(request, targets("first"))
    state = tmp_path / "kept/search.json"
    state.write_text(state.read_text()[:100])
    assert tune(request, targets("again")).results() == first.results()
    assert "search.json is damaged" in caplog.text

"""The notebooks run from their first cell to their last, in this environment's kernel."""

from pathlib import Path

import nbformat
import notebook_runs
import pytest
from notebook_runs import NOTEBOOKS, SCRIPTS, executed, shown, submitting


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: a notebook finds the runs of those before it, as a reader's does."""
    return tmp_path_factory.mktemp("reader")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_pair_of_a_script_has_its_cells_and_their_outputs(name: str):
    pair = nbformat.read((NOTEBOOKS / name).with_suffix(".ipynb"), as_version=4)
    assert notebook_runs.cells(pair) == notebook_runs.of_script(name), "run `make notebooks`"
    nbformat.validate(pair)
    code = [cell for cell in pair.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert str(Path.home()) not in nbformat.writes(pair)
    assert "/tmp/" not in nbformat.writes(pair)


def test_the_quickstart_trains_and_asks_a_model(folder: Path):
    notebook = executed("01_quickstart.py", folder)
    values = shown(notebook, "text/plain")
    assert "succeeded" in values[1]
    assert "predictions" in values[-1]
    assert "quickstart-predictor-00001" in values[-1]
    assert len(shown(notebook, "image/png")) == 1


def test_a_pipeline_is_submitted_and_scheduled(folder: Path, tmp_path: Path):
    with submitting(tmp_path) as contract:
        notebook = executed("02_submit_and_schedule.py", folder)
    values = shown(notebook, "text/plain")
    assert "exec-train-model" in values[0]
    assert any(f"{contract.url}/#/runs/details/" in value for value in shown(notebook, "text/html"))
    assert any("Outcome.SUCCEEDED" in value for value in values)
    assert values[-3:] == [
        "[('flights-daily', '0 0 6 * * *', True)]",
        "[('flights-daily', False)]",
        "[]",
    ]
    [ran] = contract.state.runs.values()
    files = ran["runtime_config"]["parameters"]["module_file"]
    assert files.startswith(f"file://{tmp_path}/artifacts/files/")
    assert ran["service_account"] == "kanaria-pipeline"


def test_a_model_of_ones_own_is_evaluated_by_its_own_demands_and_asked(folder: Path):
    notebook = executed("03_bring_your_own_model.py", folder)
    values = shown(notebook, "text/plain")
    assert "<State.SUCCEEDED: 'succeeded'>" in values
    assert any("mean_absolute_error" in value for value in values)
    assert len(shown(notebook, "image/png")) == 1


def test_a_rollout_is_watched_until_its_canary_is_promoted(folder: Path):
    notebook = executed("04_watch_a_rollout.py", folder)
    values = shown(notebook, "text/plain")
    assert values[0] == "('succeeded', 'succeeded')"
    assert "<Phase.PROMOTED: 'promoted'>" in values
    assert len(shown(notebook, "image/png")) == 1


def test_drift_is_seen_and_gone_after_the_retraining(folder: Path):
    notebook = executed("05_drift_and_retraining.py", folder)
    printed = [o.text for c in notebook.cells for o in c.get("outputs", []) if "text" in o]
    lines = [line for text in printed for line in text.splitlines()]
    assert [line.split()[0] for line in lines if " in " in line and line.endswith(" s")] == [
        "failed",
        "succeeded",
    ]
    assert any("temp: difference of distributions" in line for line in lines)
    assert len(shown(notebook, "image/png")) == 2

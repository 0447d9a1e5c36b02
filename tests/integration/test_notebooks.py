"""The notebooks are run as a reader runs them."""

from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest
from kfp_contract import Contract, serving
from kfp_state import Frame
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS = 600

TASKS = ("resolve-span", "ingest-data", "train-model", "evaluate-model")
FLOW = (
    Frame("RUNNING", dict.fromkeys(TASKS, "RUNNING")),
    Frame("SUCCEEDED", {**dict.fromkeys(TASKS, "SUCCEEDED"), "condition-1": "SKIPPED"}),
)


def outputs_of(name: str, folder: Path) -> str:
    """Run a notebook in an empty folder; return all it wrote."""
    notebook = jupytext.read(NOTEBOOKS / name)
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    found = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(
        output.get("text", "") + "".join(map(str, output.get("data", {}).values()))
        for output in found
    )


@pytest.fixture(autouse=True)
def this_environments_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    # A kernel of the user's own with the same name may belong to another Python.
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")


@pytest.fixture
def contract() -> Iterator[Contract]:
    with serving() as contract:
        yield contract


def test_the_quickstart_trains_deploys_and_answers(tmp_path: Path):
    written = outputs_of("01_quickstart.py", tmp_path)
    assert "succeeded after" in written
    assert "'predictions': [" in written


def test_submit_and_schedule_against_a_server(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    contract.state.frames = FLOW
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", contract.url)
    monkeypatch.setenv("PIPELINE_ROOT", f"file://{tmp_path}/artifacts")
    monkeypatch.setenv("DATA", "s3://bucket/flights/*.csv")
    written = outputs_of("02_submit_and_schedule.py", tmp_path)
    (run_id,) = contract.state.runs
    assert f'<a href="{contract.url}/#/runs/details/{run_id}" target="_blank"' in written
    assert "train-model              succeeded" in written
    assert "<Outcome.SUCCEEDED: 0>" in written
    assert "cron='0 0 6 * * *'" in written
    assert contract.state.schedules == {}
    assert list((tmp_path / "artifacts/files").glob("*/flights_module.py"))


def test_the_notebooks_hold_no_outputs():
    notebooks = sorted(NOTEBOOKS.iterdir())
    assert [path.suffix for path in notebooks] == [".py"] * len(notebooks)

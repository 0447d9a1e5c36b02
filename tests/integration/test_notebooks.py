"""The notebooks run from their first cell to their last, in this environment's kernel."""

from pathlib import Path

import jupytext
import kfp_cluster
import kfp_contract
import nbclient
import nbformat
import pytest
from ipykernel.kernelspec import install

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MANIFESTS = NOTEBOOKS.with_name("manifests")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where Jupyter finds a kernel of this Python."""
    folder = tmp_path_factory.mktemp("kernels")
    install(prefix=str(folder))
    return folder / "share" / "jupyter"


@pytest.fixture
def execute(kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUPYTER_PATH", str(kernels))
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(name: str) -> nbformat.NotebookNode:
        notebook = jupytext.read(NOTEBOOKS / name)
        resources = {"metadata": {"path": str(tmp_path)}}
        client = nbclient.NotebookClient(notebook, timeout=None, resources=resources)
        return client.execute()

    return run


def results(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what each cell of code shows as its value."""
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    ]


def test_every_notebook_is_tested():
    names = {path.name for path in NOTEBOOKS.glob("*.py")}
    assert names == {"01_quickstart.py", "02_submit_and_schedule.py"}


def test_the_quickstart_trains_and_asks_a_model(execute):
    shown = results(execute("01_quickstart.py"))
    assert "succeeded" in shown[1]
    assert "predictions" in shown[-1]
    assert "quickstart-predictor-00001" in shown[-1]


def test_a_pipeline_is_submitted_and_scheduled(
    execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PIPELINE_ROOT", f"file://{tmp_path}/artifacts")
    with (
        kfp_contract.serving() as contract,
        kfp_cluster.cluster_of(contract.state.accounts) as cluster,
    ):
        contract.state.accounts.apply(MANIFESTS / "standalone")
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", contract.url)
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
        shown = results(execute("02_submit_and_schedule.py"))
    assert f"{contract.url}/#/runs/details/" in shown[1]
    assert "SUCCEEDED" in shown[2]
    assert shown[3] == "[('flights-daily', '0 0 6 * * *', True)]"
    assert shown[4] == "[('flights-daily', False)]"
    assert shown[5] == "[]"
    [ran] = contract.state.runs.values()
    files = ran["runtime_config"]["parameters"]["module_file"]
    assert files.startswith(f"file://{tmp_path}/artifacts/files/")

"""Executes the notebooks' scripts, as Jupyter does, and keeps them with what they show.

    python tests/integration/notebook_runs.py      writes notebooks/*.ipynb (`make notebooks`)

The server of the second notebook is the one of the submission tests; no cluster is needed.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbclient
import nbformat
from ipykernel.kernelspec import install

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "pipelines" / "submit" / "tests"))
import kfp_contract  # noqa: E402  Tests find it by their own settings, `make notebooks` by this path.
from kfp_state import Frame  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
SUBMITTING = "02_submit_and_schedule.py"
SCRIPTS = tuple(sorted(path.name for path in NOTEBOOKS.glob("*.py")))


def executed(name: str, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook of a script, run from its first cell to its last in `folder`.

    The kernel is this Python. Nothing that differs from run to run is kept but what cells show.
    """
    kernels = folder / "kernels"
    install(prefix=str(kernels))
    environment = {"JUPYTER_PATH": str(kernels / "share" / "jupyter"), "HOME": str(folder)}
    notebook = jupytext.read(NOTEBOOKS / name)
    with _set(environment):
        client = nbclient.NotebookClient(
            notebook,
            timeout=None,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()
    return notebook


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the kind and the text of each cell."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def of_script(name: str) -> list[tuple[str, str]]:
    """Return the cells of a script."""
    return cells(jupytext.read(NOTEBOOKS / name))


def shown(notebook: nbformat.NotebookNode, kind: str) -> list[str]:
    """Return what cells show in one form, as text/plain or image/png."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


@contextmanager
def _set(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@contextmanager
def submitting(folder: Path) -> Iterator["kfp_contract.Contract"]:
    """Run the server of the submission tests, with the accounts of the manifests and a store."""
    tasks = ("resolve-span", "ingest-data", "validate-data", "train-model", "push-model")
    with kfp_contract.serving() as contract:
        contract.state.accounts.apply(ROOT / "manifests" / "example")
        contract.state.frames = (
            Frame("RUNNING", {tasks[0]: "RUNNING"}),
            Frame("SUCCEEDED", dict.fromkeys(tasks, "SUCCEEDED")),
        )
        server = {"KF_PIPELINES_ENDPOINT": contract.url}
        with _set({**server, "PIPELINE_ROOT": f"file://{folder}/artifacts"}):
            yield contract


def make(folder: Path) -> None:
    """Write every notebook beside its script, with its outputs."""
    with submitting(folder) as contract:
        for name in SCRIPTS:
            sys.stdout.write(f"{name}\n")
            notebook = executed(name, folder)
            for number, cell in enumerate(notebook.cells):
                cell["id"] = f"cell-{number}"
            # Readers see the places that the scripts name, and none of this machine.
            text = nbformat.writes(notebook).replace(contract.url, "https://kfp.example.com")
            text = text.replace(f"file://{folder}/", "s3://my-bucket/").replace(f"{folder}/", "")
            (NOTEBOOKS / name).with_suffix(".ipynb").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))

"""Small real artifacts for the tests of tune_model: examples, schema, modules to search with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.tuning import search_plan
from kanaria.components.tune.lean_imports import PlanRequest, Targets, TuneRequest, plan_search

SCHEMA = """
feature { name: "x" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "y" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""


def write_split(folder: Path, split: str, count: int) -> None:
    part = folder / f"split={split}" / "part-00000-of-00001.parquet"
    part.parent.mkdir(parents=True)
    x = [place / count for place in range(count)]
    pq.write_table(pa.table({"x": x, "y": [3 * value - 1 for value in x]}), part)


@pytest.fixture(scope="session")
def raw(tmp_path_factory) -> Path:
    """A folder with `examples`, `schema`, and nothing transformed."""
    folder = tmp_path_factory.mktemp("raw")
    write_split(folder / "examples", "train", 64)
    write_split(folder / "examples", "eval", 16)
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(SCHEMA)
    (folder / "not_materialized").mkdir()
    (folder / "not_materialized/NOT_MATERIALIZED").touch()
    return folder


@pytest.fixture(scope="session")
def bowl() -> str:
    """The source of a search that trains nothing and whose optimum is known."""
    return Path(__file__).with_name("bowl_module.py").read_text()


@pytest.fixture(scope="session")
def line() -> str:
    """The source of a search over trainings of tf.keras."""
    return Path(__file__).with_name("line_module.py").read_text()


@pytest.fixture
def request_with(raw: Path, tmp_path: Path) -> Callable[..., TuneRequest]:
    """Make a request for a user module given as text."""

    def make(module: str, **changes: object) -> TuneRequest:
        path = tmp_path / "user_module.py"
        path.write_text(module)
        usual = {
            "examples": raw / "examples",
            "transformed_examples": raw / "not_materialized",
            "schema": raw / "schema",
            "transform_graph": raw / "graph",
            "module_file": str(path),
        }
        return TuneRequest(**(usual | changes))

    return make


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., dict]:
    """Plan the search of a request, and return the Experiment as its file holds it."""
    (tmp_path / "graph").mkdir()

    def plan(request: TuneRequest, **settings: Any) -> dict:
        inputs = ("examples", "transformed_examples", "schema")
        uris = {name: str(getattr(request, name)) for name in inputs}
        uris["transform_graph"] = str(tmp_path / "graph")
        settings = {
            "uris": uris,
            "trial": {"volumes": [{"mountPath": "/", "emptyDir": {}}]},
        } | settings
        plan_search(PlanRequest(tuning=request, **settings), tmp_path / "experiment")
        return yaml_text.read(tmp_path / "experiment" / search_plan.EXPERIMENT_FILE)

    return plan


@pytest.fixture
def targets(tmp_path: Path) -> Callable[..., Targets]:
    """Make the targets of one search."""

    def make(name: str = "made") -> Targets:
        return Targets(*(tmp_path / name / part for part in ("best", "results", "report.html")))

    return make

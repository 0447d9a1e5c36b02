"""setup.cfg is the map of folders; it must equal the tree, and the wheel must be whole."""

import configparser
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv/uv/bin/uv"


def folders_with_modules() -> set[str]:
    packages = set()
    for part in ("components", "pipelines", "serving"):
        for init in (ROOT / part).rglob("__init__.py"):
            if "tests" not in init.parts:
                packages.add("kanaria." + ".".join(init.parent.relative_to(ROOT).parts))
    return packages


def test_setup_cfg_lists_exactly_the_packages_of_the_tree():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    assert listed == folders_with_modules()


def test_every_module_lies_in_a_package():
    for part in ("components", "pipelines", "serving"):
        for module in (ROOT / part).rglob("*.py"):
            if "tests" not in module.parts:
                assert (module.parent / "__init__.py").exists(), module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The wheel is built from a source distribution, so stale build folders cannot leak in.
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--out-dir", out, ROOT], check=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_the_code_and_data_but_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert "kanaria/components/ingest/metadata.yaml" in names
    assert "kanaria/pipelines/train_and_deploy/pipeline.yaml" in names
    assert "kanaria/serving/py.typed" in names
    assert "kanaria/serving/rollout/observations/queries.yaml" in names
    assert not [name for name in names if "/tests/" in name or name.endswith("conftest.py")]


def test_the_wheel_holds_every_file_of_a_new_project(wheel: Path):
    folder = ROOT / "pipelines/project_template/files"
    in_tree = {str(path.relative_to(ROOT)) for path in folder.rglob("*") if path.is_file()}
    names = zipfile.ZipFile(wheel).namelist()
    in_wheel = {name.removeprefix("kanaria/") for name in names if "project_template/files" in name}
    assert in_wheel == in_tree
    assert "pipelines/project_template/files/dot_gitignore.template" in in_wheel


def test_the_wheel_alone_imports(wheel: Path, tmp_path: Path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    modules = [
        ".".join(path.relative_to(tmp_path).with_suffix("").parts)
        for path in sorted((tmp_path / "kanaria").rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") and not needs_the_training_runtime(path)
    ]
    # The editable install is hidden by putting the unpacked wheel first and asking where from.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.meta_path = [f for f in sys.meta_path if '__editable__' not in repr(f)]\n"
        "import importlib\n"
        f"for name in {modules!r}:\n"
        f"    assert importlib.import_module(name).__file__.startswith({str(tmp_path)!r}), name\n"
    )
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-I", "-c", code], check=True, env=environment)


def needs_the_training_runtime(path: Path) -> bool:
    steps = (
        "ingest",
        "join",
        "validate",
        "transform",
        "train",
        "tune",
        "evaluate",
        "explain",
        "export",
        "detect",
        "predict",
    )
    in_step = (
        any(part in path.parts for part in (*steps, "tensors")) and path.name != "component.py"
    )
    reads_rows = (
        "arrow_files.py",
        "private_arrow_pandas.py",
        "partitions.py",
        "record_batches.py",
        "row_groups.py",
        "row_sample.py",
        "schema_file.py",
        "tf_examples.py",
        "write_examples.py",
    )
    return in_step or path.name in (*reads_rows, "flights_module.py")

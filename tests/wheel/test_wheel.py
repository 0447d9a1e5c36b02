"""The wheel, installed where nothing else is: what a stranger gets from `pip install`."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv/uv/bin/uv"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
Done = subprocess.CompletedProcess[str]


def run(*command: str | Path, cwd: Path = ROOT) -> Done:
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel() -> Path:
    built = run(UV, "build", "--quiet", "--out-dir", ROOT / "dist", "--clear")
    assert built.returncode == 0, built.stderr
    (path,) = (ROOT / "dist").glob("*.whl")
    return path


def installed(wheel: Path, extra: str, folder: Path) -> Path:
    """Return the `kanaria` of a new environment with the wheel, its extra, and nothing of ours."""
    run(UV, "venv", "--no-project", "--python", sys.executable, folder).check_returncode()
    python = folder / "bin/python"
    locked = run(
        UV, "export", "--frozen", "--no-emit-project", "--no-hashes", "--quiet", *extra.split()
    )
    (folder / "locked.txt").write_text(locked.stdout)
    name = f"kanaria[{extra.split()[-1]}] @ {wheel.as_uri()}" if extra else wheel
    installed_wheel = run(
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--constraint",
        folder / "locked.txt",
        name,
    )
    assert installed_wheel.returncode == 0, installed_wheel.stderr
    return folder / "bin/kanaria"


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, "", tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def control(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, "--extra control", tmp_path_factory.mktemp("control"))


def test_it_holds_the_licence_and_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert f"kanaria-{VERSION}.dist-info/licenses/LICENSE" in names
    assert [name for name in names if "/tests/" in name] == []


def test_it_holds_each_module_of_the_tree_and_no_other(wheel: Path):
    modules = {
        str(path.relative_to(ROOT))
        for room in ("components", "pipelines", "serving")
        for path in (ROOT / room).rglob("*.py")
        if "tests" not in path.parts
    }
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix("kanaria/") for name in names if name.endswith(".py")} == modules


def test_the_version_comes_from_one_place(base: Path):
    assert run(base, "--version").stdout == f"kanaria {VERSION}\n"


@pytest.mark.parametrize(
    "command", ["--help", "run --help", "run train_and_deploy --help", "rollout --help"]
)
def test_help_needs_no_extra(base: Path, command: str):
    shown = run(base, *command.split())
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "usage: kanaria" in shown.stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("run train_and_deploy --set data=x.csv", "serving"),
        ("serve", "serving"),
        ("compile train_and_deploy -o pipeline.yaml", "control"),
        ("submit train_and_deploy", "control"),
        ("schedule list", "control"),
        ("pipelines upload", "control"),
        ("rollout status tips", "control"),
        ("drift status", "control"),
        ("doctor", "control"),
        ("lineage tips", "control"),
    ],
)
def test_what_needs_an_extra_says_in_one_line_which(
    base: Path, command: str, extra: str, tmp_path: Path
):
    refused = run(base, *command.split(), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"pip install 'kanaria[{extra}]'" in refused.stderr


def test_without_an_extra_a_project_is_made_with_its_hidden_files(base: Path, tmp_path: Path):
    done = run(base, "init", "tips", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("note: no Python at ")  # No training runtime is there.
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "tips/.github/workflows/check-and-deliver.yml").is_file()
    assert (tmp_path / "tips/tests/training/conftest.py").is_file()
    local = (tmp_path / "tips/local.mk").read_text()
    assert f"KANARIA_SERVING_PYTHON ?= {base.with_name('python')}" in local


def test_with_control_a_pipeline_is_compiled(control: Path, tmp_path: Path):
    done = run(control, "compile", "retrain", "-o", "pipeline.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pipelineInfo" in (tmp_path / "pipeline.yaml").read_text()


def test_with_control_a_run_names_the_runtime_that_is_missing(control: Path, tmp_path: Path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    (tmp_path / "module.py").write_text("def run_fn(fn_args): ...\n")
    (tmp_path / "eval.pbtxt").write_text("model_specs { label_key: 'b' }\n")
    settings = ("data=data.csv", "module_file=module.py", "eval_config_file=eval.pbtxt")
    options = [word for one in (*settings, "service.name=tips") for word in ("--set", one)]
    done = run(control, "run", "train_and_deploy", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert "KANARIA_TRAINING_PYTHON" in done.stderr
    assert "Traceback" not in done.stderr

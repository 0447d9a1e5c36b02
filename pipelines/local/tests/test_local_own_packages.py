"""A user's own packages: real uv makes the environment, from a wheel that is made here."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from kfp import dsl
from toy_runner import compiled

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines import requirements
from kanaria.pipelines.local import own_packages, runtime_python
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import State

ROOT = Path(__file__).parents[3]
UV = ROOT / ".venv/uv/bin/uv"


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def use_own() -> str:
    import below
    import own

    return f"{own.NAME} {below.__name__}"


@dsl.pipeline(name="owning")
def owning() -> None:
    use_own()


def write_wheel(folder: Path, name: str, version: str) -> None:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}/__init__.py": f"NAME = '{name} {version}'\n",
        f"{name}-{version}.dist-info/METADATA": metadata,
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{name}-{version}.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training runtime that has kfp and the module `below`; wheels of `own` lie in a folder."""
    folder = tmp_path / "environments/training"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "below.py").touch()
    here = sysconfig.get_path("purelib")
    (packages / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "own", "1.0")
    write_wheel(wheels, "own", "2.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{UV.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KANARIA_TRAINING_PYTHON", str(folder / "bin/python"))
    runtime_python.packages.cache_clear()
    return folder / "bin/python"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("own<2  # The last that we tested.\n")
    return path


def environments(base: Path) -> list[str]:
    return sorted(path.name for path in base.parents[2].iterdir() if path.name[0] != ".")


def run(folder: Path, config: str = "") -> str:
    """Run the pipeline and return what its step returned."""
    compiled(owning, folder)
    pipeline = str(folder / "owning.yaml")
    (folder / "config.yaml").write_text(config)
    root = Root(path=folder / "root")
    record, _ = launch(pipeline, config=str(folder / "config.yaml"), root=root)
    (task,) = record.tasks
    assert task.state in (State.SUCCEEDED, State.REUSED), task.cause
    return f"{task.state.value}: {task.parameters['Output']}"


@pytest.mark.usefixtures("listed")
def test_steps_see_their_own_packages_beside_those_of_the_runtime(base: Path, tmp_path: Path):
    config = "requirements_file: requirements.txt\n"
    assert run(tmp_path, config) == "succeeded: own 1.0 below"
    assert run(tmp_path, config) == "reused: own 1.0 below"
    imported = subprocess.run([base, "-c", "import own"], capture_output=True, text=True)
    assert "No module named 'own'" in imported.stderr


def test_another_list_is_another_environment_and_runs_the_steps_anew(
    base: Path, listed: Path, tmp_path: Path
):
    config = "requirements_file: requirements.txt\n"
    assert run(tmp_path, config) == "succeeded: own 1.0 below"
    listed.write_text("own==2.0\n")
    assert run(tmp_path, config) == "succeeded: own 2.0 below"
    assert len(environments(base)) == 3


def test_an_environment_is_made_once_and_anew_when_the_runtime_below_changes(
    base: Path, listed: Path, capsys: pytest.CaptureFixture[str]
):
    own_packages.ensure(listed)
    assert "requirements.txt" in capsys.readouterr().err
    own_packages.ensure(listed)
    assert capsys.readouterr().err == ""
    (packages,) = base.parents[1].glob("lib/python3*/site-packages")
    (packages / "newer-1.0.dist-info").mkdir()
    runtime_python.packages.cache_clear()
    own_packages.ensure(listed)
    assert "requirements.txt" in capsys.readouterr().err


@pytest.mark.usefixtures("base")
def test_an_environment_that_was_left_half_made_is_made_anew(listed: Path):
    own_packages.ensure(listed)
    python = runtime_python.python_of(requirements.image(listed))
    folder = python.parents[1]
    (folder / own_packages.COMPLETE).unlink()
    (own,) = folder.glob("lib/python3*/site-packages/own/__init__.py")
    own.unlink()
    own_packages.ensure(listed)
    assert own.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("six==0.1\n", "No solution found"),
        ("nobody-has-this\n", "nobody-has-this was not found"),
        ("own ==\n", "expected version"),
    ],
)
def test_what_does_not_go_beside_the_lock_is_one_error_and_leaves_nothing(
    base: Path, listed: Path, text: str, message: str
):
    listed.write_text(text)
    with pytest.raises(ParameterError, match=message) as error:
        own_packages.ensure(listed)
    assert str(error.value).startswith(str(listed))
    assert "\n" not in str(error.value)
    assert environments(base) == ["training"]


@pytest.mark.usefixtures("base")
def test_without_uv_it_says_what_to_do(listed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ParameterError, match="uv is missing; run `make install`"):
        own_packages.ensure(listed)


@pytest.mark.usefixtures("base")
def test_an_image_whose_environment_was_never_made_names_the_parameter():
    with pytest.raises(ParameterError, match="give requirements_file"):
        runtime_python.python_of(f"{TRAINING_IMAGE}-with-0123456789ab")


@pytest.mark.usefixtures("base")
def test_the_tests_of_a_project_find_its_own_packages(tmp_path: Path):
    kanaria = Path(sys.executable).with_name("kanaria")
    subprocess.run([kanaria, "init", "tips"], cwd=tmp_path, check=True, capture_output=True)
    project = tmp_path / "tips"
    (project / "requirements.txt").write_text("own<2\n")
    for file in (project / "tests/training").iterdir():
        file.unlink()
    test = "import own\n\n\ndef test_it():\n    assert own.NAME == 'own 1.0'\n"
    (project / "tests/training/test_own.py").write_text(test)
    done = subprocess.run(["make", "test-training"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    (project / "requirements.txt").write_text("own<1\n")
    done = subprocess.run(["make", "test-training"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert "error: requirements.txt: No solution found" in done.stderr

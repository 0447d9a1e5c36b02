"""What `kanaria init` writes, where it refuses to, and what it leaves."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import pytest

from kanaria.components.shared.storage import atomic
from kanaria.pipelines.project_template import create_project

KANARIA = Path(sys.executable).with_name("kanaria")
RUFF = Path(sys.executable).with_name("ruff")
TEMPLATES = Path(create_project.__file__).with_name("files")


def init(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANARIA, "init", *arguments], cwd=cwd, capture_output=True, text=True)


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_says_which_commands_come_next_and_they_exist(tmp_path: Path):
    done = init("my-project", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *commands = done.stdout.splitlines()
    assert first.startswith("my-project is made")
    assert commands == ["  cd my-project", "  make test", "  make run"]
    targets = re.findall(r"^([a-z-]+):", (tmp_path / "my-project/Makefile").read_text(), re.M)
    assert {"test", "run"} <= set(targets)


def test_a_runtime_that_is_missing_is_told_before_make_fails(tmp_path: Path):
    environment = {**os.environ, "KANARIA_TRAINING_PYTHON": "/nowhere/bin/python"}
    done = subprocess.run(
        [KANARIA, "init", "tips"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == (
        "note: no Python at /nowhere/bin/python, which make needs: install it, or name "
        "KANARIA_TRAINING_PYTHON\n"
    )


def test_hidden_files_are_there_and_no_mark_is_left(project: Path):
    written = tree(project)
    assert {".gitignore", ".github/workflows/check-and-deliver.yml", "my_project.py"} <= written
    assert len(written) == len(tree(TEMPLATES)) + 2
    assert "tests/training/conftest.py" in written
    for path in written:
        text = (project / path).read_bytes()
        assert b"@@" not in text, path
        assert b"\r" not in text, path
        assert "@@" not in path


def test_the_names_are_put_in_and_what_is_githubs_stays(project: Path):
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert settings["name"] == "my-project"
    assert settings["dependencies"] == [f"kanaria=={version('kanaria')}"]
    workflow = (project / ".github/workflows/check-and-deliver.yml").read_text()
    assert "${{ secrets.REGISTRY_PASSWORD }}" in workflow


def test_the_pipeline_is_the_one_of_the_package(project: Path):
    packaged = resources.files("kanaria.pipelines") / "train_and_deploy/pipeline.yaml"
    assert (project / "pipeline.yaml").read_text() == packaged.read_text()


@pytest.mark.parametrize(
    "name", ["a", "zz9", "my-project", "a-name-as-long-as-one-may-be-0123456789x"]
)
def test_the_code_of_every_project_is_clean(tmp_path: Path, name: str):
    create_project.create(tmp_path / name)
    for command in (["format", "--check", "."], ["check", "--no-cache", "."]):
        done = subprocess.run([RUFF, *command], cwd=tmp_path / name, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_what_is_in_a_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x")
    done = init("mine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: mine: not empty, it has notes.txt; name a new folder\n"
    assert tree(tmp_path) == {"mine/notes.txt"}


def test_a_second_call_changes_nothing(project: Path):
    before = {path: (project / path).read_bytes() for path in tree(project)}
    done = init(project.name, cwd=project.parent)
    assert done.returncode == 1
    assert {path: (project / path).read_bytes() for path in tree(project)} == before


def test_an_empty_clone_and_the_current_folder_are_filled(tmp_path: Path):
    clone = tmp_path / "cloned"
    (clone / ".git").mkdir(parents=True)
    (clone / ".git/HEAD").write_text("ref: refs/heads/main\n")
    done = init(".", cwd=clone)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("cloned is made")
    assert done.stdout.splitlines()[1:] == ["  make test", "  make run"]
    assert (clone / "cloned.py").is_file()
    assert (clone / ".git/HEAD").is_file()


def test_folders_above_it_are_made_and_a_blank_in_them_is_quoted(tmp_path: Path):
    done = init("my work/tips", cwd=tmp_path)
    assert "  cd 'my work/tips'\n" in done.stdout
    assert (tmp_path / "my work/tips/tips.py").is_file()


@pytest.mark.parametrize("place", ["file", "file/tips", "/proc/tips"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    done = init(place, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert place.rpartition("/")[0] in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write, written = atomic.write_text, []

    def fill(target: Path, text: str) -> None:
        if len(written) == 5:
            raise OSError(28, "No space left on device", str(target))
        written.append(target)
        write(target, text)

    monkeypatch.setattr(atomic, "write_text", fill)
    (tmp_path / "cloned/.git").mkdir(parents=True)
    for name in ("tips", "cloned"):
        written.clear()
        with pytest.raises(OSError, match="No space left"):
            create_project.create(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["cloned"]
    assert [path.name for path in (tmp_path / "cloned").iterdir()] == [".git"]


def test_a_package_that_may_only_be_read_makes_files_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "kanaria"
    shutil.copytree(TEMPLATES, package / "project_template/files")
    shutil.copytree(TEMPLATES.parents[1] / "train_and_deploy", package / "train_and_deploy")
    for path in (package / name for name in tree(package)):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # As git does on Windows.
        path.chmod(0o444)
    monkeypatch.setattr(create_project.resources, "files", lambda _: package)
    create_project.create(tmp_path / "tips")
    umask = os.umask(0)
    os.umask(umask)
    for path in (tmp_path / "tips").rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
            assert b"\r" not in path.read_bytes(), path


def test_make_is_told_where_this_kanaria_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checkout = tmp_path / "a $b #c"
    (checkout / ".venv/serving").mkdir(parents=True)
    (checkout / "Makefile").touch()
    monkeypatch.setattr(sys, "prefix", str(checkout / ".venv/serving"))
    create_project.create(tmp_path / "tips")
    printed = subprocess.run(
        ["make", "--no-print-directory", "--eval", "where: ; @echo '$(KANARIA)'", "where"],
        cwd=tmp_path / "tips",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert printed.stdout == f"{checkout}\n"


def test_an_installation_that_is_no_checkout_is_named_by_its_interpreters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "envs/kanaria"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "envs/kanaria/bin/python3"))
    monkeypatch.setenv("KANARIA_TRAINING_PYTHON", "/opt/training/bin/python")
    create_project.create(tmp_path / "tips")
    assert (tmp_path / "tips/local.mk").read_text().splitlines()[1:] == [
        f"KANARIA_SERVING_PYTHON ?= {tmp_path}/envs/kanaria/bin/python3",
        "KANARIA_TRAINING_PYTHON ?= /opt/training/bin/python",
    ]

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

KANARIA = Path(sys.executable).with_name("kanaria")
TORN = """
pipelineInfo: {name: bake}
components: {}
deploymentSpec: {}
root: {dag: {tasks: {bake: {componentRef: {name: comp-bake}}}}}
"""


def kanaria(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANARIA, *arguments], cwd=cwd, capture_output=True, text=True)


def test_help_names_the_commands(tmp_path: Path):
    done = kanaria("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("run", "compile", "serve", "doctor", "runs"))


def test_help_loads_neither_kfp_nor_tensorflow():
    heavy = "{'kfp', 'yaml', 'kserve', 'kubernetes', 'tensorflow'}"
    code = f"import sys, kanaria.pipelines.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0


def test_the_version_is_that_of_the_package(tmp_path: Path):
    assert kanaria("--version", cwd=tmp_path).stdout == f"kanaria {version('kanaria')}\n"


def test_wrong_usage_exits_with_2(tmp_path: Path):
    assert kanaria("fly", cwd=tmp_path).returncode == 2


def test_a_wrong_config_is_one_line_with_all_faults(tmp_path: Path):
    (tmp_path / "c.yaml").write_text(
        "servic: {name: x}\nservice_name: x\ntrain_steps: many\nreading: {seperator: 5}\n"
    )
    done = kanaria("run", "train_and_deploy", "--config", "c.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for fault in (
        "servic={'name': 'x'}: did you mean service?",
        "service_name='x': did you mean service.name?",
        "train_steps='many'",
        "reading.seperator=5: no such key, did you mean reading.separator?",
        "data is missing",
    ):
        assert fault in done.stderr
    assert not (tmp_path / ".kanaria").exists()


def test_a_missing_data_file_fails_the_first_step_with_its_cause(tmp_path: Path):
    (tmp_path / "m.py").touch()
    (tmp_path / "e.pbtxt").touch()
    settings = {
        "data": "absent.csv",
        "module_file": "m.py",
        "eval_config_file": "e.pbtxt",
        "service.name": "tips",
    }
    options = [part for k, v in settings.items() for part in ("--set", f"{k}={v}")]
    done = kanaria("run", "train_and_deploy", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert "error: resolve-span: DataError: data: no such file: 'absent.csv'" in done.stderr
    assert "log.txt" in done.stderr
    assert "not run: ingest-data, " in done.stdout
    listed = kanaria("runs", "list", cwd=tmp_path)
    assert "train-and-deploy" in listed.stdout
    assert "failed" in listed.stdout


def test_opening_a_run_that_does_not_exist_is_an_error(tmp_path: Path):
    done = kanaria("runs", "open", "nothing", cwd=tmp_path)
    assert done.returncode == 1
    assert "no such run" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "not YAML"),
        ("a: 1", "no compiled pipeline"),
        ("", "no compiled pipeline"),
        (TORN, "bake: a compiled pipeline that was changed by hand"),
    ],
)
def test_a_file_that_is_no_pipeline_is_an_error(tmp_path: Path, content: str, message: str):
    (tmp_path / "p.yaml").write_text(content)
    done = kanaria("run", "p.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1

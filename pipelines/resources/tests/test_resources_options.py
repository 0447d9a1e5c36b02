"""The options of the command line, on `kanaria compile`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.pipelines import cli

GROUP = ("--env-from-secret", "--mount-secret", "--mount-pvc")


def called(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["kanaria", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def pods(path: Path) -> dict[str, Any]:
    _, platform = yaml.safe_load_all(path.read_text())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_a_secret_and_volumes_reach_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "p.yaml"
    options = ["--env-from-secret", "store", "--env-from-secret", "warehouse=PG"]
    options += ["--mount-secret", "gcp-key=/etc/gcp", "--mount-pvc", "data=/data:flights/2013"]
    words = ["compile", "watch_for_drift", "-o", str(path), *options]
    assert called(monkeypatch, *words) == 0
    document = next(iter(yaml.safe_load_all(path.read_text())))
    pods_by_executor = pods(path)
    assert set(pods_by_executor) == set(document["deploymentSpec"]["executors"])
    for pod in pods_by_executor.values():
        store, warehouse = pod["secretAsEnv"]
        assert (store["secretName"], store["optional"]) == ("store", True)
        pair = {"secretKey": "AWS_ACCESS_KEY_ID", "envVar": "AWS_ACCESS_KEY_ID"}
        assert pair in store["keyToEnv"]
        assert "PGUSER" not in {one["envVar"] for one in store["keyToEnv"]}
        assert {"secretKey": "USER", "envVar": "PGUSER"} in warehouse["keyToEnv"]
        assert [(one["secretName"], one["mountPath"]) for one in pod["secretAsVolume"]] == [
            ("gcp-key", "/etc/gcp")
        ]
        (mount,) = pod["pvcMount"]
        assert (mount["constant"], mount["mountPath"], mount["subPath"]) == (
            "data",
            "/data",
            "flights/2013",
        )


def test_the_command_line_goes_over_the_files_all_and_under_a_steps_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file, path = tmp_path / "resources.yaml", tmp_path / "p.yaml"
    file.write_text(
        "all: {volumes: [{mountPath: /a, emptyDir: {}}], labels: {a: b}}\n"
        "ingest_data: {volumes: [{mountPath: /a, configMap: {name: c}}]}\n"
    )
    words = ["compile", "watch_for_drift", "-o", str(path), "--resources", str(file)]
    assert called(monkeypatch, *words, "--mount-secret", "s=/a") == 0
    by_label = pods(path)
    assert "emptyDirMounts" not in str(by_label)
    assert "secretAsVolume" not in by_label["exec-ingest-data"]
    assert by_label["exec-resolve-span"]["secretAsVolume"][0]["secretName"] == "s"
    assert {str(pod["podMetadata"]) for pod in by_label.values()} == {"{'labels': {'a': 'b'}}"}


def test_faults_of_options_and_file_together_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "resources.yaml"
    words = ["compile", "watch_for_drift", "-o", str(tmp_path / "p"), "--resources", str(file)]
    file.write_text("all: {volumes: [x], envFrom: {}}\n")
    assert called(monkeypatch, *words, "--mount-secret", "s=/a", "--env-from-secret", "b") == 1
    assert "all: volumes.0='x': write a mapping" in capsys.readouterr().err
    file.write_text("all: {}\n")
    assert called(monkeypatch, *words, "--mount-secret", "s=/a", "--mount-pvc", "d=/a") == 1
    assert capsys.readouterr().err == (
        f"error: {file}: all: volumes: two volumes are mounted at /a\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        ("--env-from-secret", "Store", "write NAME or NAME=PREFIX"),
        ("--env-from-secret", "store=1-", "use letters, digits and '_'"),
        ("--mount-secret", "store", "use an absolute path"),
        ("--mount-secret", "store=etc", "use an absolute path"),
        ("--mount-pvc", "data=/d:/x", "use a path inside the volume"),
        ("--mount-pvc", "=/d", "claimName=''"),
    ],
)
def test_a_wrong_option_is_wrong_usage(
    option: str,
    value: str,
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    words = ["compile", "watch_for_drift", "-o", str(tmp_path / "p"), option, value]
    assert called(monkeypatch, *words) == 2
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize("command", [["compile"], ["submit"], ["schedule", "create"]])
def test_each_command_that_makes_a_pipeline_has_the_options(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert called(monkeypatch, *command, "--help") == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--resources", *GROUP))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "write a mapping of steps"),
        ("all: {a: 1, a: 2}\n", "the key stands twice"),
        ("1: {}\n", "a key must be text"),
        ("all: [\n", "not YAML"),
        ("all: {labels: {a: 010}}\n", "leading zero"),
    ],
)
def test_a_file_that_holds_no_settings_is_one_line(
    text: str,
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    file = tmp_path / "resources.yaml"
    file.write_text(text)
    words = ["compile", "watch_for_drift", "-o", str(tmp_path / "p"), "--resources", str(file)]
    assert called(monkeypatch, *words) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {file}: ")
    assert fault in error
    assert error.count("\n") == 1

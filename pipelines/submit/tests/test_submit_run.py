import pytest
import yaml
from kfp_server import Script
from kfp_user import Kfp

from kanaria.components.shared import fingerprint

DONE = ("SUCCEEDED", {"ingest-data": "SUCCEEDED", "push-model": "SKIPPED"})


def test_a_run_is_followed_to_its_end(kfp: Kfp):
    kfp.state.script = Script(
        looks=[
            ("PENDING", {}),
            ("", {}),
            ("RUNNING", {"ingest-data": "RUNNING"}),
            ("RUNNING", {"ingest-data": "SUCCEEDED", "push-model": "PENDING"}),
            DONE,
        ]
    )
    ended = kfp.submit()
    assert ended.code == 0, ended.errors
    assert "  ingest-data              succeeded     7.0 s" in ended.output.splitlines()
    assert "  push-model               skipped" in ended.output
    assert "executor" not in ended.output
    assert ended.output.splitlines()[-1] == f"succeeded: {kfp.url}/#/runs/details/run-5"


def test_the_run_gets_the_parameters_with_files_by_their_content(kfp: Kfp):
    kfp.submit("--no-wait")
    given = kfp.run["runtime_config"]
    digest = fingerprint.of_file(kfp.folder / "module.py")[:16]
    root = f"file://{kfp.folder}/root"
    assert given["parameters"]["module_file"] == f"{root}/files/{digest}/module.py"
    assert given["parameters"]["model_root"] == f"{root}/models"
    assert given["pipeline_root"] == root
    uploaded = kfp.folder / "root/files" / digest / "module.py"
    assert uploaded.read_text() == (kfp.folder / "module.py").read_text()


def test_an_unchanged_pipeline_is_uploaded_once_and_a_changed_one_is_a_new_version(kfp: Kfp):
    first, second = kfp.submit("--no-wait"), kfp.submit("--no-wait")
    assert "(uploaded)" in first.output
    assert "(there already)" in second.output
    uploads = list(kfp.state.uploads)
    kfp.submit("--no-wait", "--image-prefix", "registry.example.com/ml")
    assert len(kfp.state.uploads) == len(uploads) + 1
    images = yaml.safe_dump(list(kfp.state.versions.values())[-1]["pipeline_spec"])
    assert "registry.example.com/ml/kanaria-training" in images


def test_versions_are_found_on_later_pages(kfp: Kfp):
    for prefix in ("a", "b", "c", "d"):
        kfp.submit("--no-wait", "--image-prefix", prefix)
    before = len(kfp.state.uploads)
    assert "(there already)" in kfp.submit("--no-wait", "--image-prefix", "d").output
    assert len(kfp.state.uploads) == before


def test_without_a_cache_every_task_runs_anew(kfp: Kfp):
    kfp.submit("--no-wait", "--no-cache")
    spec = list(kfp.state.versions.values())[-1]["pipeline_spec"]
    tasks = spec["root"]["dag"]["tasks"].values()
    assert all(task["cachingOptions"] == {} for task in tasks)


def test_a_failed_run_names_the_task_and_its_message(kfp: Kfp):
    kfp.state.script = Script(
        looks=[("FAILED", {"ingest-data": "FAILED"})],
        errors={"ingest-data": "DataError: no such file"},
    )
    ended = kfp.submit()
    assert ended.code == 1
    assert "error: ingest-data: DataError: no such file" in ended.errors
    assert ended.output.splitlines()[-1].startswith("failed: ")


@pytest.mark.parametrize("keeps_history", [True, False])
@pytest.mark.parametrize("last", ["FAILED", "CANCELED"])
def test_a_cancelled_run_is_told_from_a_failed_one(kfp: Kfp, last: str, keeps_history: bool):
    looks = [("RUNNING", {}), ("CANCELING", {}), (last, {"ingest-data": "FAILED"})]
    kfp.state.script = Script(looks=looks, keeps_history=keeps_history)
    ended = kfp.submit()
    assert ended.code == 3
    assert ended.output.splitlines()[-1].startswith("cancelled: ")


def test_a_server_that_is_away_for_a_moment_does_not_end_the_waiting(kfp: Kfp):
    kfp.state.script = Script(looks=[("RUNNING", {}), ("RUNNING", {}), DONE])
    kfp.state.away_after_start = 3
    assert kfp.submit().code == 0


def test_a_server_that_stays_away_ends_the_waiting_and_not_the_run(kfp: Kfp):
    kfp.state.away_after_start = 1000
    ended = kfp.submit()
    assert ended.code == 1
    assert "503" in ended.errors
    assert "the run goes on: http://" in ended.errors


def test_a_token_comes_from_the_environment(kfp: Kfp, monkeypatch: pytest.MonkeyPatch):
    kfp.state.token = "sesame"
    refused = kfp.submit("--no-wait")
    assert refused.code == 1
    assert "401" in refused.errors
    assert "KANARIA_KFP_TOKEN" in refused.errors
    monkeypatch.setenv("KANARIA_KFP_TOKEN", "sesame")
    assert kfp.submit("--no-wait").code == 0


def test_a_host_where_nobody_answers_is_one_line(kfp: Kfp):
    ended = kfp.kanaria("submit", *kfp.arguments(), "--host", "http://127.0.0.1:9")
    assert ended.code == 1
    assert ended.errors.count("\n") == 1
    assert "host='http://127.0.0.1:9'" in ended.errors


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"data": "data/*.csv"}, "data='data/*.csv': a pod cannot see it"),
        ({"model_root": "models"}, "model_root='models': a pod cannot see it"),
        ({"train_steps": "many"}, "train_steps='many': give a value of type NUMBER_INTEGER"),
        ({"trian_steps": "10"}, "did you mean train_steps?"),
        ({"module_file": "absent.py"}, "module_file='absent.py': no such file"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_uploaded(
    kfp: Kfp, changed: dict[str, str], fault: str
):
    ended = kfp.submit(**changed)
    assert ended.code == 1
    assert fault in ended.errors
    assert not kfp.state.uploads
    assert not (kfp.folder / "root").exists()


def test_a_host_without_a_scheme_is_refused(kfp: Kfp):
    assert "begin it with http" in kfp.kanaria("submit", *kfp.arguments(), "--host", "kfp").errors

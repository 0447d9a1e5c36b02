"""Runs on a real server: logged again, within its limits, and never two of one."""

import math

import pytest
from mlflow_server import Records, named

from kanaria.components.shared.artifacts.judged_metrics import Value
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.model_registry import run_facts, tracked_run
from kanaria.serving.model_registry.mlflow_client import MlflowClient, UnansweredError
from kanaria.serving.model_registry.run_facts import RunFacts
from kanaria.serving.model_registry.tracked_run import RunIdentity, Status

SECONDS = 600


def identity(experiment: str, run_id: str = "run-1") -> RunIdentity:
    return RunIdentity(
        run_id=run_id, pipeline="retrain", experiment=experiment, name="nightly", started=1e9
    )


def test_a_run_is_found_again_and_goes_on(server: str, records: Records):
    which = identity("again / 다시: 1")
    facts = RunFacts(params={"seed": "1"}, metrics={"auc": 0.8123456789012345}, tags={"a": "b"})
    for _ in range(2):
        with MlflowClient(server, SECONDS) as client:
            run = tracked_run.opened(client, which)
            tracked_run.log(client, run, facts)
            tracked_run.end(client, run, Status.FAILED)
    with MlflowClient(server, SECONDS) as client:
        tracked_run.opened(client, which)
    (logged,) = records.runs(which.experiment)
    assert logged["info"]["run_name"] == "nightly"
    assert logged["info"]["status"] == "RUNNING"
    assert logged["info"]["start_time"] == 10**12
    assert named(logged["data"]["tags"])["kfp.run_id"] == "run-1"
    history = records.get("metrics/get-history", run_id=run.id, metric_key="auc")["metrics"]
    assert [each["value"] for each in history] == [0.8123456789012345]


def test_another_value_of_a_parameter_is_told_and_the_first_one_stays(
    server: str, records: Records, caplog: pytest.LogCaptureFixture
):
    for value in ("1", "2"):
        with MlflowClient(server, SECONDS) as client:
            run = tracked_run.opened(client, identity("immutable"))
            tracked_run.log(client, run, RunFacts(params={"seed": value}, tags={"at": value}))
    (logged,) = records.runs("immutable")
    assert named(logged["data"]["params"]) == {"seed": "1"}
    assert named(logged["data"]["tags"])["at"] == "2"
    assert "parameters seed have other values now" in caplog.text


@pytest.mark.parametrize("happens", ["before", "after"])
def test_a_create_whose_answer_is_lost_makes_one_run(
    server: str, records: Records, monkeypatch: pytest.MonkeyPatch, happens: str
):
    make, lost = MlflowClient.make, []

    def once_lost(self: MlflowClient, path: str, *arguments: object) -> object:
        if path == "runs/create" and not lost:
            lost.append(path)
            if happens == "after":
                make(self, path, *arguments)
            raise UnansweredError("lost")
        return make(self, path, *arguments)

    monkeypatch.setattr(MlflowClient, "make", once_lost)
    with MlflowClient(server, SECONDS) as client:
        tracked_run.opened(client, identity(f"ghosts-{happens}"))
    assert lost
    assert len(records.runs(f"ghosts-{happens}")) == 1


def test_what_is_too_much_for_one_request_is_all_there(server: str, records: Records):
    values = {f"p{n}": "가" * 6_000 for n in range(230)} | {"long": "x" * 9_000}
    facts = RunFacts(
        params=run_facts.params(values),
        metrics={f"m{n}": n / 7 for n in range(2_300)},
        tags=run_facts.tags({f"t{n}": str(n) for n in range(130)} | {"long": "y" * 9_000}),
    )
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, identity("large"))
        tracked_run.log(client, run, facts)
    data = records.get("runs/get", run_id=run.id)["run"]["data"]
    assert named(data["params"]) == facts.params
    assert named(data["metrics"]) == facts.metrics
    assert facts.tags.items() <= named(data["tags"]).items()
    assert named(data["params"])["long"].endswith("… (9000 characters)")


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a//b",
        "/a",
        "../a",
        "a/",
        ".",
        "a=b",
        "auc @ x",
        "값",
        "a" * 400,
        "a\nb",
        "100%",
        " a",
    ],
)
def test_any_name_becomes_a_key_that_the_server_takes(server: str, records: Records, name: str):
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, identity("names", run_id=f"n{hash(name)}"))
        params = run_facts.params({name: "1", "b": {name: "2"}})
        numbers = run_facts.metrics([Value(slice=name, metric="auc", candidate=1.0, baseline=None)])
        tracked_run.log(client, run, RunFacts(params=params, metrics=numbers.metrics))
    data = records.get("runs/get", run_id=run.id)["run"]["data"]
    assert sorted(named(data["params"]).values()) == ["1", "2"]
    assert list(named(data["metrics"]).values()) == [1.0]


def test_no_number_is_made_up_for_what_is_none(server: str, records: Records):
    values = [
        Value(slice="", metric=name, candidate=value, baseline=None)
        for name, value in {
            "a": math.nan,
            "b": math.inf,
            "c": -math.inf,
            "d": None,
            "e": 0.5,
        }.items()
    ]
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, identity("undefined"))
        tracked_run.log(client, run, run_facts.metrics(values, rows=7))
    data = records.get("runs/get", run_id=run.id)["run"]["data"]
    assert named(data["metrics"]) == {"e": 0.5, "rows": 7}
    assert named(data["tags"])["kanaria.undefined_metrics"] == "a, b, c, d"


def test_a_deleted_experiment_is_named(server: str, records: Records):
    made = records.post("experiments/create", name="gone")["experiment_id"]
    records.post("experiments/delete", experiment_id=made)
    with MlflowClient(server, SECONDS) as client, pytest.raises(ParameterError, match="is deleted"):
        tracked_run.opened(client, identity("gone"))


def test_a_run_that_kfp_has_made_is_used_and_left_running(server: str, records: Records):
    experiment = records.post("experiments/create", name="kfp-default")["experiment_id"]
    theirs = records.post("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
    which = RunIdentity(
        run_id="run-1", pipeline="p", experiment="other", name="n", mlflow_run_id=theirs
    )
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, which)
        tracked_run.log(client, run, RunFacts(metrics={"auc": 0.5}))
        tracked_run.end(client, run, Status.FINISHED)
    (logged,) = records.runs("kfp-default")
    assert logged["info"]["status"] == "RUNNING"
    assert named(logged["data"]["metrics"]) == {"auc": 0.5}
    assert named(logged["data"]["tags"])["kfp.run_id"] == "run-1"


def test_an_artifact_is_there_as_it_was(server: str, records: Records):
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, identity("files"))
        tracked_run.keep(client, run, [("reports/train-model/a b#1.html", b"<p>\xea\xb0\x80")])
        tracked_run.keep(client, run, [("../../up", b"1")])
    (logged,) = records.runs("files")
    assert records.artifact(logged, "up") == b"1"
    assert records.artifact(logged, "reports/train-model/a%20b_1.html") == b"<p>\xea\xb0\x80"

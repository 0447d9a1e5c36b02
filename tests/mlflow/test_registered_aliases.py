"""Aliases on a real server after real rollouts of services on this machine."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow_server import Records, free_port, mlflow_server, named
from one_machine import CANARY, STABLE, requests_to, rollout
from serving_models import models

from kanaria.components.push.lineage import Lineage
from kanaria.components.push.publish_release import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import NotReadyError
from kanaria.pipelines import lineage
from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.local.background_server import served
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.rollout.control import registered_aliases
from kanaria.serving.rollout.control.environment import connect
from kanaria.serving.traffic.find_traffic import LOCAL_STATE
from kanaria.serving.traffic.local_traffic import LocalTraffic

__all__ = ["models"]

POLICY = """
steps:
  - {percent: 10, minimum_requests: 50, minimum_minutes: 0}
warm_up: {minutes: 0, requests: 10}
gates: {latency: false}
"""


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


class Service:
    """A service of this machine that is pushed to, as pipelines do it."""

    def __init__(self, folder: Path, models: Path, tracking: Mapping[str, Any]) -> None:
        self.folder, self.models, self.tracking = folder, models, tracking
        self.state = folder / "serving"
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY)
        for name in ("schema", "statistics"):
            (folder / name).mkdir()
            (folder / name / "file").write_text(name)

    def push(self, model: str, run_id: str, **changes: Any) -> str:
        """Push one of the models; return the URI of its release."""
        blessed = self.folder / f"blessed-{run_id}"
        shutil.rmtree(blessed, ignore_errors=True)
        outcome.write(Outcome(step="bless_model", passed=True), blessed)
        request = PushRequest(
            sources=Sources.at(
                str(self.models / model),
                str(self.folder / "schema"),
                str(self.folder / "statistics"),
            ),
            outcomes=(blessed,),
            model_root=str(self.folder / "models"),
            service={"name": "taxi"},
            rollout_policy_file=str(self.policy),
            lineage=Lineage(run_id=run_id, pipeline="train-and-deploy", data_span="2013-01"),
            tracking={**self.tracking, **changes},
        )
        endpoint = push(request, self.folder / f"endpoint-{run_id}")
        return endpoint.storage_uri.removesuffix("/model")

    @contextmanager
    def running(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setenv(LOCAL_STATE, str(self.state))
        with served(self.state) as url, LocalTraffic(self.state):
            yield url

    def start(self, url: str) -> int:
        with requests_to(f"{url}/v1/models/taxi:predict"):
            return rollout(
                self.state, "start", "--policy", str(self.policy), "--interval", "1"
            ).returncode

    def look(self) -> None:
        with connect(str(self.state)) as place:
            registered_aliases.look(place, "default", "taxi", 600)


@pytest.fixture
def service(tmp_path: Path, models: Path, server: str) -> Service:
    model = tmp_path.name
    return Service(tmp_path, models, {"tracking_uri": server, "registered_model_name": model})


def test_aliases_follow_a_promotion_a_rollback_and_a_person(
    service: Service, records: Records, monkeypatch: pytest.MonkeyPatch
):
    model = service.tracking["registered_model_name"]
    with service.running(monkeypatch) as url:
        first = service.push("plain", "run-1")
        assert records.aliases(model) == {"champion": "1"}
        second = service.push("better", "run-2")
        assert records.aliases(model) == {"champion": "1", "candidate": "2"}
        assert service.start(url) == 0
        assert records.aliases(model) == {"champion": "2", "previous": "1"}
        service.push("failing", "run-3")
        assert records.aliases(model) == {"champion": "2", "previous": "1", "candidate": "3"}
        assert service.start(url) == 1
        assert records.aliases(model) == {"champion": "2", "previous": "1"}
    versions = [named(each["tags"]) for each in records.versions(model)]
    assert [each["kanaria.release"] for each in versions[:2]] == [first, second]
    assert [each["kanaria.revision"] for each in versions[:2]] == [STABLE, CANARY]
    for number, tags in enumerate(versions, 1):
        record = json.loads((Path(tags["kanaria.release"]) / "release.json").read_text())
        assert tags["kanaria.fingerprint"] == record["fingerprint"]
        assert tags["kanaria.run_id"] == record["origin"]["run_id"] == f"run-{number}"
        assert tags["kanaria.data_span"] == record["origin"]["data_span"] == "2013-01"
        assert tags["kanaria.inference_service"] == "default/taxi"
        (run,) = [
            each
            for each in records.runs("train-and-deploy")
            if named(each["data"]["tags"]).get("kanaria.release") == tags["kanaria.release"]
        ]
        assert json.loads(records.artifact(run, "release/release.json")) == record


def test_a_promotion_that_is_taken_back_gives_its_alias_back(
    service: Service, records: Records, monkeypatch: pytest.MonkeyPatch
):
    model = service.tracking["registered_model_name"]
    with service.running(monkeypatch) as url:
        service.push("plain", "run-1")
        service.push("better", "run-2")
        assert service.start(url) == 0
        assert rollout(service.state, "rollback").returncode == 0
        assert records.aliases(model) == {"champion": "1"}


def test_the_same_release_again_is_the_same_version(
    service: Service, records: Records, monkeypatch: pytest.MonkeyPatch
):
    model = service.tracking["registered_model_name"]
    with service.running(monkeypatch):
        for run_id in ("run-1", "run-1", "run-2"):
            service.push("plain", run_id)
    (version,) = records.versions(model)
    assert named(version["tags"])["kanaria.run_id"] == "run-1"
    trail = FileTrails(service.state).read("default", "taxi")
    assert [each.what for each in trail.entries].count("registered") == 1


@contextmanager
def killed_at(change_number: int, when: str) -> Iterator[None]:
    """Let the process die before or after that change of an alias, counted from 0."""
    made: list[str] = []

    def dying(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(client: MlflowClient, path: str, *arguments: Any) -> Any:
            is_last = path == "registered-models/alias" and len(made) == change_number
            if is_last and when == "before":
                raise Killed
            answer = change(client, path, *arguments)
            if is_last:
                raise Killed
            made.extend([path] * (path == "registered-models/alias"))
            return answer

        return changed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, "post", dying(MlflowClient.post))
        patch.setattr(MlflowClient, "delete", dying(MlflowClient.delete))
        yield


def test_whoever_looks_next_sets_what_a_dead_process_left(
    service: Service, records: Records, monkeypatch: pytest.MonkeyPatch
):
    model = service.tracking["registered_model_name"]
    with service.running(monkeypatch) as url:
        service.push("plain", "run-1")
        service.push("better", "run-2")
        assert service.start(url) == 0
        after = records.aliases(model)
        assert after == {"champion": "2", "previous": "1"}
        for change_number, when in itertools.product(range(3), ("before", "after")):
            # As it stood before the rollout.
            records.post("registered-models/alias", name=model, alias="champion", version="1")
            records.post("registered-models/alias", name=model, alias="candidate", version="2")
            records.delete("registered-models/alias", name=model, alias="previous")
            with killed_at(change_number, when), pytest.raises(Killed):
                service.look()
            service.look()
            assert records.aliases(model) == after


def test_a_server_that_is_away_holds_up_no_rollout_and_is_told_later(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    port, folder = free_port(), tmp_path / "mlflow"
    database = f"sqlite:///{folder}/m.db"
    tracking = {"tracking_uri": f"http://127.0.0.1:{port}"}
    service = Service(tmp_path, models, tracking)
    with service.running(monkeypatch) as url:
        with mlflow_server(folder, database, port=port):
            service.push("plain", "run-1")
            service.push("better", "run-2")
        assert service.start(url) == 0
        with mlflow_server(folder, database, port=port) as uri:
            assert Records(uri).aliases("taxi") == {"champion": "1", "candidate": "2"}
            service.look()
            assert Records(uri).aliases("taxi") == {"champion": "2", "previous": "1"}


def test_a_push_says_once_that_the_server_is_away_and_goes_on(
    tmp_path: Path,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    service = Service(tmp_path, models, {"tracking_uri": f"http://127.0.0.1:{free_port()}"})
    with service.running(monkeypatch):
        release = service.push("plain", "run-1")
        assert (Path(release) / "release.json").is_file()
        said = [each.getMessage() for each in caplog.records if "not tracked" in each.getMessage()]
        assert len(said) == 1
        assert "is the MLflow server up and tracking_uri right?" in said[0]
        with pytest.raises(NotReadyError, match="is the MLflow server up"):
            service.push("better", "run-2", tracking_required=True)
        with LocalTraffic(service.state) as traffic:
            assert traffic.observe("default", "taxi").latest_created == STABLE
    assert lineage.of_release(release).record.origin["run_id"] == "run-1"

"""Pushes over a real local server, judged by the checks before any traffic."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from checked_models import SAMPLES, checked_models

from kanaria.components.push.deliver_release import Endpoint
from kanaria.components.push.publish_release import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.shared.artifacts import outcome, serving_samples
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.checks.check_result import Verdict
from kanaria.serving.traffic.find_traffic import LOCAL_STATE, connect
from kanaria.serving.traffic.traffic_protocol import Traffic

__all__ = ["checked_models"]
# Latency is not judged: the machine may be busy.
LOAD = {"rate": 100, "requests": 40, "p99_ms": 0}


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOCAL_STATE, str(tmp_path_factory.mktemp("serving")))
        with connect() as local_traffic:
            yield local_traffic


@pytest.fixture
def request_of(checked_models: Path, traffic: Traffic, tmp_path: Path):
    """A push request of a model, with the samples that the good model gave."""
    for name in ("schema", "statistics"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    outcome.write(Outcome(step="evaluate_model", passed=True), tmp_path / "outcome")
    serving_samples.write(SAMPLES, tmp_path / "samples")
    parts = {name: tmp_path / name for name in ("schema", "statistics")}

    def made(model: str) -> PushRequest:
        return PushRequest(
            sources=Sources(model=checked_models / model, **parts),
            outcomes=(tmp_path / "outcome",),
            model_root=str(checked_models / "root"),
            service={"name": "tips"},
            delivery={"ready_timeout": 120, "checks": {"load": LOAD}},
            samples=tmp_path / "samples",
            report=tmp_path / "report.html",
        )

    return made


def verdicts(endpoint: Endpoint) -> dict[str, Verdict]:
    return {result.check: result.verdict for result in endpoint.checks}


def test_a_model_that_answers_as_trained_is_served(request_of, tmp_path: Path):
    endpoint = push(request_of("good"), tmp_path / "endpoint")
    assert endpoint.pushed
    assert set(verdicts(endpoint).values()) == {Verdict.PASSED}
    written = json.loads((tmp_path / "endpoint/endpoint.json").read_text())
    assert [result["check"] for result in written["checks"]] == [
        "infrastructure",
        "signature",
        "api_call",
        "load",
    ]
    assert written["checks"][3]["numbers"]["requests"] == 40
    assert "No check failed" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("model", ["different", "integers"])
def test_a_model_that_does_not_stays_at_zero_beside_an_untouched_stable_one(
    request_of, tmp_path: Path, traffic: Traffic, model: str
):
    push(request_of("good"), tmp_path / "endpoint")
    stable = traffic.observe("default", "tips").rolled_out
    endpoint = push(request_of(model), tmp_path / "endpoint")
    assert not endpoint.pushed
    assert endpoint.percent == 0
    fits = Verdict.FAILED if model == "integers" else Verdict.PASSED
    assert verdicts(endpoint)["compatibility"] is fits
    status = traffic.observe("default", "tips")
    assert status.rolled_out == stable
    assert {t.revision: t.percent for t in status.traffic} == {endpoint.revision: 0, stable: 100}


def test_a_model_that_does_not_fit_the_memory_is_not_staged(
    request_of, tmp_path: Path, traffic: Traffic
):
    wanted = request_of("slow")
    small = {"name": "tips", "resources": {"limits": {"memory": "1k"}}}
    before = traffic.observe("default", "tips")
    endpoint = push(replace(wanted, service=small), tmp_path / "endpoint")
    assert "more than 80% of the memory limit" in endpoint.reason
    assert "more than 80% of the memory limit" in (tmp_path / "report.html").read_text()
    assert traffic.observe("default", "tips") == before


def test_a_wrong_limit_is_told_with_the_other_faults_before_anything_is_done(
    request_of, tmp_path: Path
):
    checks = {"load": {"rate": 0}, "apicall": 1}
    wrong = replace(request_of("good"), delivery={"ready_timeout": 0, "checks": checks})
    with pytest.raises(ParameterError) as caught:
        push(wrong, tmp_path / "endpoint")
    faults = ("ready_timeout=0", "checks.load.rate=0", "checks.apicall=1: there is no such key")
    assert all(part in str(caught.value) for part in faults)


@pytest.mark.parametrize("was_ready", [True, False])
def test_a_push_that_was_killed_with_its_server_is_checked_when_run_again(
    request_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_ready: bool
):
    state, again = tmp_path / "state", replace(request_of("good"), model_root=str(tmp_path / "m"))
    monkeypatch.setenv(LOCAL_STATE, str(state))
    push(again, tmp_path / "endpoint")
    (release,) = (tmp_path / "m/tips").iterdir()
    release.with_name(f"{release.name}.default.pending").write_text("killed")
    if not was_ready:
        (state / "default/tips/status.json").unlink()
    endpoint = push(again, tmp_path / "endpoint")
    assert endpoint.pushed
    assert verdicts(endpoint)["api_call"] is Verdict.PASSED

"""Real revisions at 0 % of a real local server, each wrong in its own way."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import framework_releases
import httpx
import pytest
from checked_models import SAMPLES, sample

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.checks import check_limits
from kanaria.serving.checks.check_result import Result, Verdict
from kanaria.serving.checks.push_checks import Checks
from kanaria.serving.checks.stable_revision import StableRevision
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic

# Latency is judged where a test says so: a busy machine must not fail the others.
QUICK = {"rate": 100, "requests": 60, "p99_ms": 0}
SERVICES = ("good", "different", "slow", "failing", "integers")


def spec(model: Path, protocol: str = "v1") -> ServiceSpec:
    name = f"{model.name}-{protocol}"
    server = ModelServer(protocol_version=protocol)
    return ServiceSpec(name=name, storage_uri=str(model), server=server)


class Served:
    """Every model as the only revision of a service, and its checks."""

    def __init__(self, traffic: LocalTraffic, models: Path) -> None:
        self.traffic, self.models = traffic, models

    def url(self, service: ServiceSpec) -> str:
        deadline = time.monotonic() + 600  # A bound, not a measure.
        while True:
            status = self.traffic.observe(service.namespace, service.name)
            if status and status.latest_ready:
                return status.revision_urls[status.latest_ready]
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def check(
        self,
        model: str,
        protocol: str = "v1",
        samples: ServingSamples | None = SAMPLES,
        **limits: Any,
    ) -> dict[str, Result]:
        service = spec(self.models / model, protocol)
        faults = Faults("test")
        parsed = check_limits.parse({"load": QUICK} | limits, faults)
        faults.raise_if_any()
        checks = Checks(
            policy=parsed,
            model=self.models / model,
            samples=samples,
            cluster=None,
            ready_seconds=60,
        )
        results = checks.at_zero(service, self.url(service))
        return {result.check: result for result in results}

    def beside(
        self,
        new: tuple[str, str],
        stable: tuple[str, str] | str,
        samples: ServingSamples | None = SAMPLES,
        compatibility: bool = True,
    ) -> list[Result]:
        """What is told of a revision beside another one, or beside what answers at a URL."""
        limits = check_limits.Policy(
            signature=False, compatibility=compatibility, api_call=False, load=False
        )
        model = self.models / new[0]
        checks = Checks(
            policy=limits, model=model, samples=samples, cluster=None, ready_seconds=0.5
        )
        service = spec(model, new[1])
        if not isinstance(stable, str):
            name = "-beside-".join(["".join(new), "".join(stable)])
            stable = self.staged(replace(spec(self.models / stable[0], stable[1]), name=name))
            service = replace(service, name=name, canary_percent=0)
            self.staged(service)
        live = StableRevision(url=stable, storage_uri="")
        results = checks.at_zero(service, self.url(service), live)
        return [one for one in results if one.check == "compatibility"]

    def staged(self, service: ServiceSpec) -> str:
        """Make it the newest revision of its service; return its URL once it is ready."""
        self.traffic.stage(build(service))
        while True:
            url = self.url(service)
            status = self.traffic.observe(service.namespace, service.name)
            ready = status and status.latest_ready == status.latest_created
            if ready and status.revision_uris[status.latest_ready] == service.storage_uri:
                return url
            time.sleep(0.05)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, checked_models: Path) -> Iterator[Served]:
    with LocalTraffic(tmp_path_factory.mktemp("state")) as traffic:
        for model in SERVICES:
            traffic.stage(build(spec(checked_models / model)))
        traffic.stage(build(spec(checked_models / "good", "v2")))
        yield Served(traffic, checked_models)


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_the_trained_model_passes(served: Served, protocol: str):
    results = served.check("good", protocol)
    assert [(r.check, r.verdict, r.reasons) for r in results.values()] == [
        ("signature", Verdict.PASSED, ()),
        ("api_call", Verdict.PASSED, ()),
        ("load", Verdict.PASSED, ()),
    ]
    assert not results["signature"].notes
    assert results["api_call"].numbers["rows"] == len(SAMPLES.rows)
    assert results["load"].numbers["requests"] == 60
    assert results["load"].numbers["errors"] == 0


def test_other_answers_fail_with_both_values_and_no_load_follows(served: Served):
    results = served.check("different")
    assert results["api_call"].verdict is Verdict.FAILED
    assert results["api_call"].numbers["rows_different"] == len(SAMPLES.rows)
    reason = "row 0: output 'score' is 3.75; the trained model answers 3.0"
    assert results["api_call"].reasons[0] == reason
    assert results["load"].verdict is Verdict.SKIPPED


def test_tolerances_decide_what_is_another_answer(served: Served):
    results = served.check("different", api_call={"relative_tolerance": 0.5})
    assert results["api_call"].verdict is Verdict.PASSED
    assert results["api_call"].numbers["largest_difference"] > 0.5


def test_a_slow_model_fails_the_load_test(served: Served):
    limits = {"rate": 10, "requests": 5, "p50_ms": 250, "p99_ms": 0}
    results = served.check("slow", load=limits, api_call=False)
    assert results["api_call"].verdict is Verdict.SKIPPED
    assert results["load"].verdict is Verdict.FAILED
    assert results["load"].numbers["p50_ms"] > 250
    assert results["load"].reasons[0].startswith("p50_ms is ")


def test_a_model_that_fails_one_call_in_twenty_fails_the_load_test(served: Served):
    results = served.check("failing", api_call=False)
    assert results["load"].verdict is Verdict.FAILED
    requests = results["load"].numbers["requests"]
    assert results["load"].numbers["errors"] == 1
    reason = f"1 of {requests} requests failed, more than a share of 0.01"
    assert reason in results["load"].reasons[0]
    assert results["load"].notes == (f"the verdict was certain after {requests} of 60 requests",)
    assert "out of luck" in results["load"].reasons[0]


def test_errors_within_the_allowed_share_pass(served: Served):
    results = served.check("failing", api_call=False, load=QUICK | {"error_share": 0.06})
    assert results["load"].verdict is Verdict.PASSED


def test_a_request_without_an_answer_in_time_has_failed(served: Served):
    limits = {"rate": 10, "requests": 3, "timeout_seconds": 0.1, "p99_ms": 0}
    results = served.check("slow", load=limits, api_call=False)
    assert "1 of 1 requests failed" in results["load"].reasons[0]
    assert "no answer in 0.1 s" in results["load"].reasons[0]


def test_another_signature_names_the_input_and_both_types(served: Served):
    results = served.check("integers", api_call=False, load=False)
    assert results["signature"].reasons == (
        "input 'x' is served as int64 of shape (any); the trained model has float32 of shape (any)",
    )


def test_rows_that_the_model_refuses_are_told_with_its_words(served: Served):
    odd = replace(SAMPLES, rows=(sample(1.0, [1, 2, 3], "a"),))
    results = served.check("good", samples=odd, signature=False)
    assert results["api_call"].numbers["rows_failed"] == 1
    assert results["api_call"].reasons[0].startswith("row 0: 400 ")


def test_without_samples_nothing_is_checked_and_that_is_said(served: Served):
    results = served.check("good", samples=None)
    assert {result.verdict for result in results.values()} == {Verdict.SKIPPED}
    assert all("train_model" in result.notes[0] for result in results.values())


@pytest.mark.parametrize(
    ("new", "stable", "reasons"),
    [
        (("good", "v1"), ("different", "v1"), ()),
        (("good", "v2"), ("good", "v2"), ()),
        (
            ("good", "v1"),
            ("integers", "v1"),
            (
                "input 'x' takes float32 of shape (any); "
                "the stable revision takes int64 of shape (any)",
            ),
        ),
        (
            ("good", "v2"),
            ("good", "v1"),
            (
                "it does not answer protocol v1, the stable revision does: "
                '404 {"error":"POST \'/v1/models/goodv2-beside-goodv1:predict\': not served here"}',
            ),
        ),
    ],
)
def test_the_stable_revision_beside_it_must_be_answered_for(
    served: Served, new: tuple[str, str], stable: tuple[str, str], reasons: tuple[str, ...]
):
    (comparison,) = served.beside(new, stable)
    assert (comparison.check, comparison.reasons) == ("compatibility", reasons)


def test_signatures_are_compared_without_samples(served: Served):
    (comparison,) = served.beside(("different", "v1"), ("integers", "v1"), samples=None)
    assert comparison.verdict is Verdict.FAILED
    assert "protocols were not compared" in comparison.notes[0]


def test_a_stable_revision_that_nobody_reaches_is_not_taken_for_equal(served: Served):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    (comparison,) = served.beside(("good", "v1"), url)
    assert comparison.verdict is Verdict.SKIPPED
    assert "was not asked" in comparison.notes[0]


def test_compatibility_is_switched_off_by_name(served: Served):
    (comparison,) = served.beside(("good", "v1"), "http://127.0.0.1:9", compatibility=False)
    assert (comparison.verdict, comparison.notes) == (Verdict.SKIPPED, ("switched off",))


def test_what_is_switched_off_is_said_to_be(served: Served):
    results = served.check("good", signature=False, api_call=False, load=False)
    assert {result.notes for result in results.values()} == {("switched off",)}


def test_the_checks_are_none_of_the_users_requests(served: Served):
    def counted() -> str:
        url = served.traffic.observe("default", "good-v1").url
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        return "\n".join(line for line in lines if 'service="good-v1"' in line)

    before = counted()
    served.check("good")
    assert counted() == before


def boosted(served: Served, release: Path, **fields: Any) -> tuple[ServiceSpec, str]:
    """Stage a release of XGBoost; return its service and the URL of its revision."""
    server = ModelServer(model_format="xgboost", protocol_version="v1")
    uri = str(release / "model")
    service = ServiceSpec(name="boosted", storage_uri=uri, server=server, **fields)
    return service, served.staged(service)


@pytest.mark.parametrize("columns", [("miles", "fare", "card"), ("card", "fare", "miles")])
def test_columns_that_change_places_are_no_quiet_change(
    served: Served, tmp_path: Path, columns: tuple[str, ...]
):
    for name in ("stable", "new"):
        framework_releases.boosted(tmp_path / name)
    samples = serving_samples.read(tmp_path / "new/serving_samples")
    samples = replace(samples, inputs={name: samples.inputs[name] for name in columns})
    _, url = boosted(served, tmp_path / "stable")
    service, _ = boosted(served, tmp_path / "new", canary_percent=0)
    limits = check_limits.Policy(signature=False, compatibility=True, api_call=False, load=False)
    checks = Checks(policy=limits, model=tmp_path, samples=samples, cluster=None, ready_seconds=60)
    stable = StableRevision(url=url, storage_uri=str(tmp_path / "stable/model"))
    results = checks.at_zero(service, served.url(service), stable)
    (compatibility,) = (one for one in results if one.check == "compatibility")
    if columns == framework_releases.FEATURES:
        assert (compatibility.verdict, compatibility.reasons) == (Verdict.PASSED, ())
    else:
        (reason,) = compatibility.reasons
        assert "are ['card', 'fare', 'miles'], of the stable revision's ['miles'" in reason

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from signed_releases import published
from signing_keys import pair

from kanaria.components import detect_drift
from kanaria.components.detect.detect import DetectRequest, Targets, detect
from kanaria.components.detect.fit import FitRequest, fit
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import DataError, ParameterError

Examples = Callable[..., Path]
Flights = Callable[..., dict[str, Any]]


@pytest.fixture
def detector(examples_of: Examples, flights_of: Flights, schema: Path, tmp_path: Path) -> Path:
    examples = examples_of("training", train=flights_of(3000, 1))
    fit(FitRequest(examples=examples, schema=schema), tmp_path / "detector")
    return tmp_path / "detector"


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    folder = tmp_path / "out"
    return Targets(outcome=folder / "outcome", drift=folder / "drift", report=folder / "r.html")


def test_warmer_months_are_told_by_feature(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    served = examples_of("served", serving=flights_of(1000, 2, warmer=30))
    assert not detect(DetectRequest(examples=served, detector=detector), targets).passed
    verdict = outcome.read(targets.outcome)
    assert not verdict.passed
    assert [reason.subject for reason in verdict.reasons] == ["temp"]
    (watched,) = json.loads((targets.drift / "drift.json").read_text())["watched"]
    (window,) = watched["windows"]
    drifted = {feature["feature"]: feature["drifted"] for feature in window["features"]}
    assert drifted == {"carrier": False, "month": False, "temp": True}
    assert (window["verdict"], window["rows"]) == ("drifted", 1000)
    rows = re.findall(r'<td class="name"><div[^>]*>(.*?)</div>', targets.report.read_text())
    assert rows[0] == "temp"  # By effect.
    assert sorted(rows) == ["carrier", "month", "temp"]


@pytest.mark.parametrize("fails", [True, False])
def test_the_component_fails_on_drift_only_where_it_is_asked_to(
    detector: Path, examples_of: Examples, flights_of: Flights, tmp_path: Path, fails: bool
):
    served = examples_of("served", serving=flights_of(1000, 2, warmer=30))
    uris = {"examples": served, "drift_detector": detector}
    uris |= {name: tmp_path / "out" / name for name in ("outcome", "drift", "report")}
    parts = {name: dsl.Artifact(name=name, uri=str(uri)) for name, uri in uris.items()}
    if fails:
        with pytest.raises(DataError, match=r"detect_drift did not pass: temp: "):
            detect_drift.python_func(**parts, fail_on_drift=True)
    else:
        assert detect_drift.python_func(**parts) == (True,)
    assert parts["outcome"].metadata["passed"] is False
    assert (tmp_path / "out" / "report").exists()


def test_equal_rows_in_another_format_are_no_drift(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    served = examples_of("served", tfrecord=True, serving=flights_of(1000, 2))
    assert detect(DetectRequest(examples=served, detector=detector), targets).passed
    assert outcome.read(targets.outcome).passed


def test_few_rows_pass_with_a_warning(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    served = examples_of("served", serving=flights_of(20, 2))
    assert detect(DetectRequest(examples=served, detector=detector), targets).passed
    verdict = outcome.read(targets.outcome)
    assert verdict.passed
    assert {reason.kind for reason in verdict.reasons} == {"not_enough_data"}
    assert "not enough data" in targets.report.read_text()


def test_only_the_split_asked_for_is_judged(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    served = examples_of("served", old=flights_of(800, 2), new=flights_of(800, 3, warmer=30))
    request = DetectRequest(examples=served, detector=detector)
    assert detect(replace(request, split="old"), targets).passed
    assert not detect(replace(request, split="new"), targets).passed
    assert not detect(request, targets).passed


def test_the_detector_of_a_release_is_found(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets, tmp_path: Path
):
    (tmp_path / "release").mkdir()
    detector.rename(tmp_path / "release" / "drift_detector")
    served = examples_of("served", serving=flights_of(1000, 2))
    assert detect(
        DetectRequest(examples=served, deployed=str(tmp_path / "release")), targets
    ).passed


def test_a_feature_that_is_no_longer_there_is_named(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    columns = flights_of(100, 2)
    del columns["temp"]
    with pytest.raises(DataError, match=r"lacks .*'temp'"):
        detect(DetectRequest(examples=examples_of("less", a=columns), detector=detector), targets)
    assert not targets.outcome.exists()


def test_a_feature_without_values_drifted(
    detector: Path, examples_of: Examples, flights_of: Flights, targets: Targets
):
    columns = flights_of(1000, 2) | {"temp": [None] * 1000}
    detect(DetectRequest(examples=examples_of("gap", a=columns), detector=detector), targets)
    reasons = outcome.read(targets.outcome).reasons
    kinds = [(reason.subject, reason.kind) for reason in reasons]
    assert kinds == [("temp (missing)", "drift"), ("temp", "not_enough_data")]


def test_all_wrong_parameters_are_named_at_once(tmp_path: Path, targets: Targets):
    with pytest.raises(ParameterError, match=r"deployed='':.*rows=0"):
        detect(DetectRequest(examples=tmp_path, rows=0), targets)


def test_a_release_whose_reference_is_not_the_signed_one_is_refused(
    targets: Targets, tmp_path: Path
):
    keys = pair(tmp_path, "own")
    release = published(tmp_path, keys)
    (release / "drift_detector/reference.npz").write_text("other")
    request = DetectRequest(
        examples=tmp_path, deployed=str(release), verify_key=keys.public.read_text()
    )
    with pytest.raises(DataError, match=r"drift_detector/reference\.npz is not what was signed"):
        detect(request, targets)

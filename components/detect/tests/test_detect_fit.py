from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kanaria.components.detect.fit import NOTHING, FitRequest, fit
from kanaria.components.shared.artifacts.serving_samples import ServingSamples, Tensor, write
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift import saved_detector

Examples = Callable[..., Path]
Flights = Callable[..., dict[str, Any]]


@pytest.fixture
def request_of(examples_of: Examples, flights_of: Flights, schema: Path) -> FitRequest:
    examples = examples_of("training", train=flights_of(500, 1), eval=flights_of(100, 2))
    return FitRequest(examples=examples, schema=schema)


def test_the_reference_holds_the_training_rows_as_requests_have_them(
    request_of: FitRequest, tmp_path: Path, flights_of: Flights
):
    metadata = fit(request_of, tmp_path / "detector")
    detector, reference = saved_detector.load(tmp_path / "detector")
    assert metadata["features"] == ["carrier", "month", "temp"]  # No label: it is not in SERVING.
    assert detector.categorical == ("month",)
    written = flights_of(500, 1)
    assert reference.numbers.values["temp"].tolist() == sorted(written["temp"].tolist())
    counts = dict(
        zip(
            reference.categories.kinds["carrier"],
            reference.categories.counts["carrier"],
            strict=True,
        )
    )
    assert counts == {name: written["carrier"].count(name) for name in ("AA", "DL", "UA")}


def test_tfrecord_and_parquet_give_the_same_detector_to_the_byte(
    request_of: FitRequest, examples_of: Examples, flights_of: Flights, tmp_path: Path
):
    records = examples_of("records", tfrecord=True, train=flights_of(500, 1))
    features = ["carrier", "month", "temp"]
    fit(replace(request_of, features=features), tmp_path / "parquet")
    fit(replace(request_of, examples=records, features=features), tmp_path / "tfrecord")
    _, parquet = saved_detector.load(tmp_path / "parquet")
    _, tfrecord = saved_detector.load(tmp_path / "tfrecord")
    assert set(parquet.features) == set(tfrecord.features)
    assert np.array_equal(parquet.numbers.values["temp"], tfrecord.numbers.values["temp"])


def test_the_inputs_of_the_signature_are_the_features(request_of: FitRequest, tmp_path: Path):
    inputs = {name: Tensor(dtype="float32", shape=(None, 1)) for name in ("temp", "late")}
    write(ServingSamples(inputs=inputs, outputs={}), tmp_path / "samples")
    metadata = fit(replace(request_of, samples=tmp_path / "samples"), tmp_path / "detector")
    assert metadata["features"] == ["temp", "late"]


def test_a_signature_of_serialized_examples_names_no_feature(
    request_of: FitRequest, tmp_path: Path
):
    inputs = {"examples": Tensor(dtype="string", shape=(None,))}
    write(ServingSamples(inputs=inputs, outputs={}), tmp_path / "samples")
    metadata = fit(replace(request_of, samples=tmp_path / "samples"), tmp_path / "detector")
    assert metadata["features"] == ["carrier", "month", "temp"]


def test_what_cannot_be_compared_is_left_out_with_the_reason(
    examples_of: Examples, schema: Path, tmp_path: Path
):
    columns = {
        "id": [f"flight {row}" for row in range(1100)],
        "legs": [[1.0, 2.0]] * 1100,
        "gate": [None] * 1100,
        "temp": [1.5] * 1100,
    }
    request = FitRequest(examples=examples_of("odd", train=columns), schema=schema)
    metadata = fit(request, tmp_path / "detector")
    assert metadata["features"] == ["temp"]
    assert metadata["left_out"] == {
        "id": "1100 different texts",
        "gate": "no values",
        "legs": "several values in a row",
    }


def test_without_anything_to_compare_the_artifact_says_so(
    examples_of: Examples, schema: Path, tmp_path: Path
):
    request = FitRequest(
        examples=examples_of("prose", train={"text": ["a b", "c"], "x": [[1], [2, 3]]}),
        schema=schema,
        features=["x"],
    )
    fit(request, tmp_path / "detector")
    assert "several values" in (tmp_path / "detector" / NOTHING).read_text()


def test_a_long_split_is_sampled_and_the_seed_chooses(request_of: FitRequest, tmp_path: Path):
    held = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        metadata = fit(replace(request_of, rows=50, seed=seed), tmp_path / name)
        assert (metadata["rows"], metadata["of_rows"]) == (50, 500)
        held.append((tmp_path / name / "reference.npz").read_bytes())
    assert held[0] == held[1] != held[2]


def test_all_wrong_parameters_are_named_at_once(request_of: FitRequest, tmp_path: Path):
    wrong = replace(request_of, detector={"kind": "tabel"}, rows=0, seed=-1)
    with pytest.raises(
        ParameterError, match=r"detector: kind='tabel'.*did you mean table.*rows=0.*seed=-1"
    ):
        fit(wrong, tmp_path / "detector")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"alpah": 0.1}, r"alpah=0.1: no such parameter, did you mean alpha\?"),
        ({"alpha": 2}, "alpha=2"),
        ({"alpha": "much"}, "alpha='much'"),
    ],
)
def test_a_wrong_setting_is_named(
    request_of: FitRequest, tmp_path: Path, settings: dict[str, Any], fault: str
):
    with pytest.raises(ParameterError, match=fault):
        fit(replace(request_of, detector=settings), tmp_path / "detector")


def test_an_unknown_feature_is_named(request_of: FitRequest, tmp_path: Path):
    with pytest.raises(ParameterError, match=r"\['tmep'\].*'temp'"):
        fit(replace(request_of, features=["tmep"]), tmp_path / "detector")

"""Whether requests made for the stable revision fit the new one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import framework_releases
import pytest
from signed_releases import finished
from signing_keys import pair

from kanaria.components.shared.artifacts.serving_samples import ServingSamples, Tensor
from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
from kanaria.components.shared.errors import DataError
from kanaria.serving.checks import compatibility_faults
from kanaria.serving.checks.stable_revision import StableRevision

STABLE = (
    {"x": Tensor(dtype="float32", shape=(None, 3))},
    {"y": Tensor(dtype="float32", shape=None)},
)


def tensors(**signature: tuple[str, tuple[int | None, ...] | None]) -> dict[str, Tensor]:
    return {name: Tensor(dtype=dtype, shape=shape) for name, (dtype, shape) in signature.items()}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (tensors(x=("float32", (None, 3))), ""),
        (tensors(x=("float32", (None, None))), ""),
        (tensors(x=("float32", None)), ""),
        (tensors(x=("float32", (None, 4))), "takes float32 of shape (any, 4); the stable"),
        (tensors(x=("float32", (1, 3))), "takes float32 of shape (1, 3); the stable revision"),
        (tensors(x=("float32", (None,))), "takes float32 of shape (any); the stable revision"),
        (tensors(x=("int64", (None, 3))), "takes int64 of shape (any, 3); the stable revision"),
        (tensors(x=("string", (None, 3))), "takes string of shape (any, 3); the stable"),
        ({}, "input 'x' is unknown to it"),
        (tensors(x=("float32", None), z=("int64", None)), "input 'z' is asked for"),
    ],
)
def test_what_the_stable_revision_takes_must_be_taken(inputs: dict[str, Tensor], reason: str):
    faults = list(compatibility_faults.faults((inputs, STABLE[1]), STABLE, "v1"))
    assert len(faults) == bool(reason)
    assert reason in "".join(faults)


@pytest.mark.parametrize(
    ("outputs", "protocol", "reason"),
    [
        (tensors(y=("float64", None)), "v1", ""),
        (tensors(y=("string", None)), "v1", "output 'y' is string; the stable revision answers"),
        (tensors(z=("float32", None)), "v1", "output 'y' is not answered"),
        (tensors(y=("float32", None), z=("int64", None)), "v1", "answers y, z by name; clients"),
        (tensors(y=("float32", None), z=("int64", None)), "v2", ""),
    ],
)
def test_what_the_stable_revision_answers_must_be_answered(
    outputs: dict[str, Tensor], protocol: str, reason: str
):
    faults = list(compatibility_faults.faults((STABLE[0], outputs), STABLE, protocol))
    assert len(faults) == bool(reason)
    assert reason in "".join(faults)


def test_a_shape_that_the_stable_revision_does_not_tell_is_not_compared():
    untold = (tensors(x=("float32", None)), STABLE[1])
    assert list(compatibility_faults.faults(STABLE, untold, "v1")) == []


MATRIX = ServingSamples(
    inputs=tensors(a=("float32", (None,)), b=("float32", (None,))),
    outputs=tensors(y=("float32", (None, 2))),
    matrix="input-0",
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"inputs": tensors(b=("float64", (None,)), a=("float64", (None,)))}, "['b', 'a'], of the"),
        ({"inputs": tensors(a=("float32", (None,)))}, "are ['a'], of the stable revision's"),
        ({"outputs": tensors(y=("float32", (None,)))}, "output 'y' is float32 of shape (any);"),
    ],
)
def test_columns_without_names_are_compared_by_what_the_releases_say(
    change: dict[str, Any], reason: str
):
    faults = list(compatibility_faults.of_matrices(replace(MATRIX, **change), MATRIX))
    assert len(faults) == bool(reason)
    assert reason in "".join(faults)


@pytest.mark.parametrize(
    ("new", "stable", "count"),
    [
        ({"v1": "", "v2": "404"}, {"v1": "", "v2": "404"}, 0),
        ({"v1": "", "v2": ""}, {"v1": "", "v2": "404"}, 0),
        ({"v1": "404", "v2": ""}, {"v1": "", "v2": "404"}, 1),
        ({"v1": "404", "v2": ""}, {"v1": "", "v2": ""}, 1),
    ],
)
def test_a_protocol_that_the_stable_revision_speaks_must_be_spoken(
    new: dict[str, str], stable: dict[str, str], count: int
):
    assert len(list(compatibility_faults.unspoken(new, stable))) == count


def test_samples_of_the_stable_revision_are_those_that_were_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    keys = pair(tmp_path, "own")
    framework_releases.boosted(tmp_path / "making")
    uri = finished(tmp_path / "making", tmp_path, keys)
    stable = StableRevision(url="", storage_uri=str(uri / "model"))
    monkeypatch.setenv(VERIFY_KEY, keys.public.read_text())
    samples = stable.samples()
    assert samples is not None
    assert tuple(samples.inputs) == framework_releases.FEATURES
    signature = uri / "serving_samples/signature.json"
    signature.write_text(signature.read_text().replace("miles", "yards"))
    with pytest.raises(DataError, match=r"serving_samples/signature\.json"):
        stable.samples()


def test_a_release_without_samples_tells_none(tmp_path: Path):
    assert StableRevision(url="", storage_uri=str(tmp_path / "model")).samples() is None
    assert StableRevision(url="", storage_uri="").samples() is None

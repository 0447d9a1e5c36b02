"""Analyzers that feed analyzers, three deep, which Beam's usual runner cannot run."""

import numpy as np
import pytest

from kanaria.components.transform.transform import transform

MODULE = """
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    z = tft.scale_to_z_score(inputs["miles"])
    unit = tft.scale_to_0_1(z)
    return {
        "unit": unit,
        "bucket": tft.bucketize(unit, 3),
        "above": unit - tft.mean(unit),
        "carrier": tft.compute_and_apply_vocabulary(inputs["carrier"]),
    }
"""


@pytest.fixture(scope="module")
def out(request_for, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phases")
    (folder / "features.py").write_text(MODULE)
    request = request_for(module_file=str(folder / "features.py"), custom_config={})
    transform(request, folder / "graph", folder / "transformed")
    return folder


def test_every_phase_equals_its_formula(out, raw, read_split):
    miles = read_split(raw / "examples", "train")["miles"].to_numpy()
    transformed = read_split(out / "transformed", "train")
    unit = (miles - miles.min()) / (miles.max() - miles.min())
    assert transformed["unit"].to_numpy() == pytest.approx(unit, abs=1e-6)
    assert transformed["above"].to_numpy() == pytest.approx(unit - unit.mean(), abs=1e-6)
    counts = np.bincount(transformed["bucket"].to_numpy())
    assert counts == pytest.approx([100, 100, 100], abs=3)


def test_nothing_temporary_is_left(out):
    assert sorted(path.name for path in (out / "graph").iterdir()) == [
        "metadata",
        "transform_fn",
        "transformed_metadata",
    ]

"""Scored rows are compared as detect_drift compares them, killed runs' too."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.detect.detect import DetectRequest, Targets, detect
from kanaria.components.detect.fit import FitRequest, fit

SCHEMA = """
feature { name: "amount" type: FLOAT }
feature { name: "count" type: INT }
feature { name: "city" type: BYTES }
"""


def columns(rows: int, seed: int, more: float = 0.0) -> dict[str, list]:
    draw = np.random.default_rng(seed)
    return {
        "amount": np.round(draw.normal(40 + more, 10, rows), 1).tolist(),
        "count": draw.integers(1, 5, rows).tolist(),
        "city": draw.choice(["Bonn", "Ulm", "Trier"], rows).tolist(),
    }


def examples(folder: Path, split: str, rows: dict[str, list]) -> Path:
    (folder / f"split={split}").mkdir(parents=True)
    pq.write_table(pa.table(rows), folder / f"split={split}" / "part-00000.parquet")
    return folder


def fitted(world) -> None:
    """Give the release a detector of what it was trained on."""
    (world.home / "schema").mkdir()
    (world.home / "schema" / "schema.pbtxt").write_text(SCHEMA)
    train = examples(world.home / "examples", "train", columns(3_000, seed=1))
    request = FitRequest(examples=train, schema=world.home / "schema")
    fit(request, world.release / "drift_detector")


def features(folder: Path) -> list[dict]:
    (watched,) = json.loads((folder / "drift.json").read_text())["watched"]
    return watched["windows"][0]["features"]


def test_scored_rows_give_the_numbers_of_detect_drift(world):
    world.model()
    fitted(world)
    rows = columns(2_000, seed=2, more=6.0)
    for name, part in (("a", slice(0, 900)), ("b", slice(900, 2_000))):
        world.parquet(f"{name}.parquet", **{key: values[part] for key, values in rows.items()})

    scored = world.predict(chunk_rows=300)

    served = examples(world.home / "served", "serving", rows)
    names = ("outcome", "drift", "detected.html")
    outcome, drift, report = (world.home / name for name in names)
    detector = world.release / "drift_detector"
    verdict = detect(
        DetectRequest(examples=served, detector=detector),
        Targets(outcome=outcome, drift=drift, report=report),
    )
    assert scored.drifted is (not verdict.passed) is True
    assert features(world.home / "scored") == features(drift)
    assert scored.drift == verdict.summary().removeprefix("detect_drift ")
    assert "<title>2,000 rows scored by " in (world.home / "report.html").read_text()


def test_a_run_that_goes_on_compares_all_rows(world):
    world.model()
    fitted(world)
    world.parquet(**columns(2_000, seed=2))
    world.predict(chunk_rows=300)
    whole = features(world.home / "scored")
    for number in (2, 5):
        (world.home / "out" / f"part-{number:05d}.parquet").unlink()
    scored = world.predict(chunk_rows=300)
    assert scored.rows_before == 1_400
    assert features(world.home / "scored") == whole


def test_rows_that_cannot_be_compared_are_scored_all_the_same(world):
    import tensorflow as tf

    spec = {"amount": tf.TensorSpec([None], tf.float32, name="amount")}
    world.model(lambda amount: {"score": amount}, spec)
    fitted(world)
    world.parquet(amount=[1.0, 2.0])
    scored = world.predict()
    assert (scored.rows, scored.drifted) == (2, False)
    assert scored.drift.startswith("not compared: ")
    assert "city" in scored.drift
    assert not (world.home / "scored" / "drift.json").exists()
    assert "not compared" in (world.home / "report.html").read_text()

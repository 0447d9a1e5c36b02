"""The how-to page of explanations as it stands: its pipeline, and its model's answers explained."""

import csv
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from workspace import KANARIA

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.background_server import command
from kanaria.serving.local.state import state_folder

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/explain.md").read_text()
MODULE = """
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

from kanaria.components.train.export import export_model


def preprocessing_fn(inputs):
    return {
        "fare_z": tft.scale_to_z_score(tft.sparse_tensor_to_dense_with_shape(
            inputs["fare"], [None, 1], default_value=10.0)),
        "way_id": tft.compute_and_apply_vocabulary(inputs["way"], num_oov_buckets=1),
        "tipped": inputs["tipped"],
    }


def run_fn(fn_args: tfx.components.FnArgs):
    graph = tft.TFTransformOutput(fn_args.transform_output)
    rows = fn_args.data_accessor.tf_dataset_factory(
        fn_args.train_files,
        tfxio.TensorFlowDatasetOptions(batch_size=32, label_key="tipped"),
        graph.transformed_metadata.schema,
    )
    fare = tf.keras.Input((1,), name="fare_z")
    way = tf.keras.Input((1,), name="way_id", dtype=tf.int64)
    ways = tf.keras.layers.Flatten()(tf.keras.layers.Embedding(8, 4)(way))
    hidden = tf.keras.layers.Dense(16, "relu")(tf.keras.layers.concatenate([fare, ways]))
    model = tf.keras.Model(
        {"fare_z": fare, "way_id": way}, tf.keras.layers.Dense(1, "sigmoid")(hidden)
    )
    model.compile("adam", "binary_crossentropy")
    model.fit(rows, steps_per_epoch=fn_args.train_steps, verbose=0)
    export_model(model, graph, fn_args.serving_model_dir, label_keys="tipped")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the page's pipeline; a tenth of the fares is missing."""
    folder = tmp_path_factory.mktemp("explained")
    for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(text)
    (folder / "tips_module.py").write_text(MODULE)
    draw = random.Random(0)
    with (folder / "tips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["fare", "way", "noise", "tipped"])
        for _ in range(600):
            fare, way = draw.uniform(2, 60), draw.choice(["cash", "card", "app"])
            fare_text = "" if draw.random() < 0.1 else f"{fare:.2f}"
            writer.writerow([fare_text, way, draw.random(), int(way != "cash" and fare > 15)])
    subprocess.run([sys.executable, "explained.py"], cwd=folder, check=True)
    values = ["data=tips.csv", "module_file=tips_module.py", 'slices=["way"]']
    sets = [part for value in values for part in ("--set", value)]
    done = subprocess.run(
        [KANARIA, "run", "explained.yaml", *sets], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def one(run: Path, name: str) -> Path:
    (path,) = (run / ".kanaria").rglob(name)
    return path


def test_what_the_answers_do_not_come_from_is_told_as_nothing(run: Path):
    document = json.loads(one(run, "importance.json").read_text())
    assert document["explainer"] == "exact"
    overall, *slices = document["slices"]
    features = {item["feature"]: item["mean_abs"] for item in overall["features"]}
    assert set(features) == {"fare", "way", "noise"}
    assert features["noise"] == pytest.approx(0.0, abs=1e-12)
    assert min(features["fare"], features["way"]) > 0.05
    assert {part["slice"] for part in slices} == {"way:app", "way:card", "way:cash"}


def test_every_row_adds_up(run: Path):
    lines = one(run, "rows.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 100
    for row in rows:
        total = row["base_value"] + sum(row["shap_values"].values())
        assert total == pytest.approx(row["prediction"], abs=1e-6)
        assert 0 <= row["prediction"] <= 1


def ready_url(state: Path) -> str:
    """Wait until the model answers; loading TensorFlow takes a minute where others compute too."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        url = state_folder.live_url(state)
        if url and httpx.get(f"{url}/v1/models/tips").json().get("ready"):
            return url
        time.sleep(0.2)
    raise AssertionError((state / "default/tips/status.json").read_text())


def explained(run: Path, rows: list[dict[str, Any]], state: Path) -> dict[str, Any]:
    """Serve the run's model as its release would be, and ask for explanations."""
    samples = one(run, "background.jsonl").parent
    release = state / "release"
    shutil.copytree(samples, release / "serving_samples")
    shutil.copytree(samples.parent / "model", release / "model")
    manifest = state / "tips.yaml"
    manifest.write_text(
        yaml.safe_dump(build(ServiceSpec(name="tips", storage_uri=str(release / "model"))))
    )
    server = subprocess.Popen(command(state / "state", manifest))
    try:
        url = ready_url(state / "state")
        answer = httpx.post(f"{url}/v1/models/tips:explain", json={"instances": rows}, timeout=None)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def test_the_served_model_tells_the_same_answers_with_and_without_a_fare(run: Path, tmp_path: Path):
    rows = [json.loads(line) for line in one(run, "rows.jsonl").read_text().splitlines()]
    missing = next(row for row in rows if row["inputs"]["fare"] is None)
    chosen = [next(row for row in rows if row["inputs"]["fare"] is not None), missing]
    instances = [
        {name: [value] for name, value in row["inputs"].items() if value is not None}
        for row in chosen
    ]
    explanations = explained(run, instances, tmp_path)["explanations"]
    for row, explanation in zip(chosen, explanations, strict=True):
        assert explanation["prediction"] == pytest.approx(row["prediction"], abs=1e-6)
        total = explanation["base_value"] + sum(explanation["shap_values"].values())
        assert total == pytest.approx(explanation["prediction"], abs=1e-6)
        assert explanation["shap_values"]["noise"] == pytest.approx(0.0, abs=1e-6)

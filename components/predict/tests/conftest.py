"""Small releases, and what becomes of rows that they score."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pgserver
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.predict.lean_imports import predict  # TensorFlow as the step loads it.
from kanaria.components.predict.request import Request, Scored, Targets
from kanaria.components.shared.artifacts import fingerprint

import tensorflow as tf  # isort: skip

SPECS = {
    "amount": tf.TensorSpec([None], tf.float32, name="amount"),
    "count": tf.TensorSpec([None], tf.int64, name="count"),
    "city": tf.TensorSpec([None], tf.string, name="city"),
}


def linear(amount: Any, count: Any, city: Any) -> dict[str, Any]:
    """Return outputs of every kind that a table can hold."""
    score = amount * 1.5 + tf.cast(count, tf.float32)
    return {
        "score": score[:, tf.newaxis],
        "both": tf.stack([score, -score], axis=1),
        "label": tf.strings.join([city, tf.strings.as_string(count)]),
        "count_again": count,
        "large": score > 10,
    }


@dataclass(frozen=True)
class World:
    """A folder of a test with a release and data."""

    home: Path

    @property
    def release(self) -> Path:
        """The release."""
        return self.home / "release"

    def model(
        self,
        function: Callable[..., Any] = linear,
        specs: Mapping[str, Any] = SPECS,
        optional: list[str] | None = None,
    ) -> Any:
        """Release a model with one signature; return the signature as TensorFlow loads it."""
        module = tf.Module()
        module.function = tf.function(function, input_signature=list(specs.values()))
        if optional is not None:
            names = tf.constant(optional, tf.string)
            module.kanaria_optional_inputs = tf.function(lambda: names, input_signature=[])
        folder = self.release / "model" / "1"
        tf.saved_model.save(module, str(folder), {"serving_default": module.function})
        self.publish()
        loaded = tf.saved_model.load(str(folder))
        self.__dict__["loaded"] = loaded  # Its variables go with it.
        return loaded.signatures["serving_default"]

    def publish(self) -> None:
        """Make a release of what lies in its folder of the model."""
        record = {"service": "tips", "outcome": "", "contents": {}}
        record["fingerprint"] = fingerprint.of_tree(self.release / "model")
        (self.release / "release.json").write_text(json.dumps(record))

    def parquet(self, name: str = "data.parquet", **columns: Any) -> Path:
        """Write rows as a file of the data."""
        path = self.home / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        return path

    def predict(self, output: str = "", data: str = "", **changes: Any) -> Scored:
        """Score the data, into the folder `out` where nothing else is said."""
        usual = {
            "release": str(self.release),
            "data": data or f"{self.home}/data/*.parquet",
            "output": output or f"{self.home}/out",
        }
        request = Request(**{**usual, **changes})
        targets = Targets(scored=self.home / "scored", report=self.home / "report.html")
        return predict(request, targets)

    def rows(self, output: str = "out") -> list[dict[str, Any]]:
        """Return the rows of a folder in their order, read without this step's code."""
        files = sorted((self.home / output).glob("part-*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URI of a PostgreSQL of our own."""
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server.get_uri()
    server.cleanup()

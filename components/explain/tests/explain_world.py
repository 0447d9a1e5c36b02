"""A folder of a test, with one model and its examples at a time, and what explains it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from explained_flights import Columns

from kanaria.components.explain.lean_imports import explain  # TensorFlow as the step loads it.
from kanaria.components.explain.request import Request, Targets

import tensorflow as tf  # isort: skip


@dataclass(frozen=True)
class World:
    """A folder of a test, with one model and its examples at a time."""

    home: Path

    def model(self, function: Any, name: str = "serving_default", **holds: Any) -> None:
        """Save the model that is explained; `holds` is what it computes with."""
        module = tf.Module()
        for attribute, value in {"function": function, **holds}.items():
            setattr(module, attribute, value)
        tf.saved_model.save(module, str(self.home / "model" / "1"), signatures={name: function})

    def examples(self, **splits: Columns) -> None:
        """Write the examples: split -> column -> values."""
        for split, columns in splits.items():
            folder = self.home / "examples" / f"split={split}"
            folder.mkdir(parents=True)
            pq.write_table(pa.table(dict(columns)), folder / "part-0.parquet")

    def explain(self, **changes: Any) -> dict[str, Any]:
        """Do the step's work; return the document that it wrote."""
        places = {"model": self.home / "model", "examples": self.home / "examples"}
        request = Request(**(places | changes))
        targets = Targets(explanations=self.home / "explanations", report=self.home / "report.html")
        explain(request, targets)
        return dict(json.loads((self.home / "explanations" / "importance.json").read_text()))

    def rows(self) -> list[dict[str, Any]]:
        """Return the explained rows that were written."""
        text = (self.home / "explanations" / "rows.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def importance(self, document: Mapping[str, Any], name: str = "") -> dict[str, float]:
        """Return feature -> mean |SHAP| of a slice."""
        (part,) = [part for part in document["slices"] if part["slice"] == name]
        return {item["feature"]: item["mean_abs"] for item in part["features"]}

    def report(self) -> str:
        """Return the report."""
        return (self.home / "report.html").read_text()

"""One split and two models, measured on any engine, and where two measurements differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from evaluations import Scorer, save
from metric_configs import BINARY, SLICES, metrics, of_keras, with_options
from twins import different_plots, equal

from kanaria.components.evaluate import tfma_results
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.evaluate.measure_models import Inputs, measure
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam

# Nine partitions or more are merged on two levels; one file has no row, and one a single row.
FILES = (211, 0, 1, 90, 17, 64, 33, 128, 5, 77, 40, 12)
WEIGHTED = 'model_specs { label_key: "late" example_weight_key: "weight" }'
TWO_MODELS = metrics("BooleanFlipRates", "SymmetricPredictionDifference")
CHANGE = """threshold { value_threshold { upper_bound { value: 0.01 } }
  change_threshold { direction: LOWER_IS_BETTER absolute { value: -0.01 } } }"""
CROSSED = 'cross_slicing_specs { baseline_spec {} slicing_specs { feature_keys: "town" } }'
MANY = f"""{WEIGHTED} {SLICES} {CROSSED}
  metrics_specs {{ {BINARY} {TWO_MODELS} {metrics(f'class_name: "MeanLabel" {CHANGE}')} }}
  metrics_specs {{ example_weights {{ unweighted: true }} {metrics("AUC", "MeanLabel")} }}"""
"""21 metrics and those of two models, weighted, on slices, crossed slices, with a threshold."""
KERAS_32, KERAS_64 = (
    f"{WEIGHTED} {SLICES} metrics_specs {{ {of_keras('binary', dtype)} }}"
    for dtype in ("float32", "float64")
)
OF_QUERIES = f"""model_specs {{ label_key: "late" }} {SLICES} metrics_specs {{ query_key: "query" {
    metrics("QueryStatistics", with_options("NDCG", '"gain_key": "late", "top_k_list": [1, 5]'))
} }}"""
WITH_INTERVALS = f"""{WEIGHTED} {SLICES}
  options {{ compute_confidence_intervals {{ value: true }} }}
  metrics_specs {{ {metrics("AUC", "Calibration", "MeanSquaredError")} }}"""


def _table(generator: np.random.Generator, count: int) -> pa.Table:
    score = generator.normal(size=count)
    # A row without a value, one of none, one of two, and text outside ASCII.
    towns = [["Köln"], ["AA", "UA"], ["DL"], None, [], ["AA"]]
    drawn = generator.integers(0, len(towns), count).tolist()
    return pa.table(
        {
            "score": score.astype("float32"),
            "late": (generator.random(count) < 1 / (1 + np.exp(-2 * score))).astype("int64"),
            "weight": generator.random(count).astype("float32"),
            "town": pa.array([towns[number] for number in drawn], pa.list_(pa.string())),
            "hour": pa.array(generator.integers(0, 3, count)),
            "share": (generator.integers(0, 2, count) / 2).astype("float32"),
            "query": pa.array([f"q{number}" for number in generator.integers(0, 17, count)]),
        }
    )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one engine wrote."""

    folder: Path
    findings: Findings
    model: str

    @property
    def numbers(self) -> dict[Any, Any]:
        return tfma_results.load(self.folder, self.model).numbers

    def differences(self, other: "Measured", tolerance: float) -> list[str]:
        """Return where numbers and plots differ by more than a share."""
        wrong = equal(self.numbers, other.numbers, tolerance)
        return wrong + different_plots(self.folder, other.folder, tolerance)


@dataclass(frozen=True, kw_only=True)
class Models:
    """Rows, a candidate and a baseline on the disk."""

    home: Path

    def measured(self, name: str, config: str, engine: Engine | Beam, *, both: bool) -> Measured:
        """Measure the candidate, or both models, with an engine."""
        folder = self.home / name
        folder.mkdir()
        (folder / "config.pbtxt").write_text(config)
        inputs = Inputs(
            examples=str(self.home / "examples"),
            model=str(self.home / "candidate"),
            eval_config_file=str(folder / "config.pbtxt"),
            split="eval",
        )
        written = folder / "evaluation"
        written.mkdir()
        baseline = self.home / "baseline" if both else None
        findings, _ = measure("evaluate_model", inputs, written, baseline, engine)
        return Measured(folder=written, findings=findings, model="candidate" if both else "")


def prepared(home: Path) -> Models:
    """Write rows and models below an empty folder."""
    generator = np.random.default_rng(7)
    split = home / "examples/split=eval"
    split.mkdir(parents=True)
    for place, size in enumerate(FILES):
        path = split / f"part-{place:05d}-of-{len(FILES):05d}.parquet"
        pq.write_table(_table(generator, size), path)
    save(home / "candidate", Scorer(2.0))
    save(home / "baseline", Scorer(0.3))
    return Models(home=home)

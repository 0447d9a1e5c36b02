"""Examples, models and configs, and what becomes of them when they are evaluated and judged."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from kanaria.components.evaluate.bless import BlessRequest, bless
from kanaria.components.evaluate.evaluate import Request, evaluate
from kanaria.components.evaluate.measure_models import Inputs
from kanaria.components.shared.artifacts.metadata import plain
from kanaria.components.shared.artifacts.outcome import Outcome

HOSTILE = '<script>alert("x")</script>'
CARRIERS = ["AA", "UA", HOSTILE]
ROWS = 300

CONFIG = """
model_specs { label_key: "late" }
slicing_specs { feature_keys: "carrier" }
slicing_specs { feature_keys: ["carrier", "hour"] }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "AUC" %s }
  metrics { class_name: "BinaryAccuracy" }
}
"""
VALUE = "threshold { value_threshold { lower_bound { value: %g } } }"
CHANGE = """threshold { change_threshold {
  direction: HIGHER_IS_BETTER absolute { value: -0.01 } } }"""
ON_SLICE = """per_slice_thresholds { slicing_specs { %s }
  threshold { value_threshold { lower_bound { value: %g } } } }"""


class Scorer(tf.Module):
    """Predicts sigmoid(weight * score); reads serialized examples."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = tf.Variable(weight)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        score = tf.io.FixedLenFeature([], tf.float32)
        parsed = tf.io.parse_example(examples, {"score": score})
        return {"probability": tf.sigmoid(self.weight * parsed["score"])[:, tf.newaxis]}


class Named(tf.Module):
    """The same from named features, as a model without serve_tf_examples."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = tf.Variable(weight)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="score")])
    def serve(self, score):
        return {"probability": tf.sigmoid(self.weight * score)}


class Preprocessing(Scorer):
    """A model that also gives the label as it saw it: turned round."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform(self, examples):
        parsed = tf.io.parse_example(examples, {"late": tf.io.FixedLenFeature([1], tf.int64)})
        return {"late_xf": 1 - parsed["late"]}


def save(folder: Path, model: tf.Module, signature: str = "serve_tf_examples") -> Path:
    tf.saved_model.save(model, str(folder / "1"), signatures={signature: model.serve})
    return folder


def table() -> pa.Table:
    generator = np.random.default_rng(0)
    score = generator.normal(size=ROWS)
    late = (generator.random(ROWS) < 1 / (1 + np.exp(-2 * score))).astype("int64")
    carrier = [CARRIERS[i % 3] for i in range(ROWS)]
    return pa.table(
        {
            "score": score.astype("float32"),
            "late": late,
            "carrier": carrier,
            "hour": np.arange(ROWS) % 2,
        }
    )


def write_examples(folder: Path, rows: pa.Table) -> Path:
    (folder / "split=eval").mkdir(parents=True)
    pq.write_table(rows, folder / "split=eval" / "part-0.parquet")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    write_examples(folder / "examples", table())
    save(folder / "good", Scorer(2.0))
    save(folder / "named", Named(2.0), "serving_default")
    save(folder / "release" / "model", Scorer(-1.0))
    return folder


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What is evaluated and blessed, and where everything goes."""

    out: Path
    examples: str
    model: str
    eval_config_file: str
    deployed: str = ""

    @property
    def evaluation(self) -> str:
        return str(self.out / "evaluation")

    @property
    def comparison(self) -> str:
        return str(self.out / "comparison")

    @property
    def report(self) -> Path:
        return self.out / "report.html"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What both steps gave."""

    outcome: Outcome
    metrics: dict[str, Any]
    alone: dict[str, Any]
    classification: dict[str, Any]
    row_count: int

    @property
    def blessed(self) -> bool:
        return self.outcome.passed


def request(home: Path, name: str, config: str, **changes: Any) -> EvaluationRequest:
    out = home / name
    out.mkdir()
    (out / "config.pbtxt").write_text(config)
    made = EvaluationRequest(
        out=out,
        examples=str(home / "examples"),
        model=str(home / "good"),
        eval_config_file=str(out / "config.pbtxt"),
    )
    return replace(made, **changes)


def evaluated(request_made: EvaluationRequest) -> Any:
    inputs = Inputs(
        examples=request_made.examples,
        model=request_made.model,
        eval_config_file=request_made.eval_config_file,
        split="eval",
    )
    page = str(request_made.out / "evaluation.html")
    return evaluate(Request(inputs=inputs, evaluation=request_made.evaluation, report=page))


def to_bless(request_made: EvaluationRequest, **changes: Any) -> BlessRequest:
    whole = BlessRequest(
        evaluation=Path(request_made.evaluation),
        examples=request_made.examples,
        model=request_made.model,
        eval_config_file=request_made.eval_config_file,
        deployed=request_made.deployed,
        comparison=Path(request_made.comparison),
        outcome=request_made.out / "outcome",
        report=request_made.report,
    )
    return replace(whole, **changes)


def judged(request_made: EvaluationRequest) -> Judged:
    """Evaluate, then bless."""
    first = evaluated(request_made)
    outcome, findings = bless(to_bless(request_made))
    return Judged(
        outcome=outcome,
        metrics=plain(findings.overall()),
        alone=plain(first.findings.overall()),
        classification=first.classification,
        row_count=first.findings.row_count,
    )

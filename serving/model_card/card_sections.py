"""The sections of a model card as plain texts and tables, which each form writes its own way. Pure.

Numbers of the evaluation are texts of all their digits, so that the card says what the evaluation
said and rounds nothing.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from kanaria.components.shared.artifacts import release, trigger_cause
from kanaria.components.shared.artifacts.judged_metrics import Interval, JudgedMetrics, Value
from kanaria.components.shared.artifacts.model_evaluation import MOST_METRICS
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.html_report.cells import cut
from kanaria.components.shared.times import clock
from kanaria.serving.model_card.card import Card

NOT_SAID = "Nobody has said it yet: write {key} below delivery.card."
OVERALL, NO_NUMBER = "all rows", "–"
COUNT = "example_count"
"""TFMA's metric of a slice's rows."""
FEW = 30
"""Rows of a slice, below which a metric of it is mostly chance."""
THRESHOLDS = ("metric", "slice", "value", "live model", "threshold", "result")
VALUES = ("metric", "slice", "rows", "value", "interval", "live model", "its interval")
MOST_FILES = 20
"""Of the data, that are listed."""
MOST_NAME = 120
"""Characters of a slice's name in a table."""
MOST_ROWS = 500
"""Of a table; the report of bless_model has the rest."""
WHOLE = 1e15
"""Numbers below it that are whole are written without a point."""
MATRIX = "one matrix, {}, without names: its columns are the inputs, in their order"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A table of texts; a first row of headers, and rows as long as it."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


Part: TypeAlias = str | Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class CardSection:
    """A titled part of a card: paragraphs and tables, in order."""

    title: str
    parts: tuple[Part, ...]


def number(value: float | None) -> str:
    """Return a number with all its digits, or NO_NUMBER."""
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    is_whole = float(value).is_integer() and abs(value) < WHOLE
    return str(int(value)) if is_whole else repr(float(value))


def sections(card: Card) -> list[CardSection]:
    """Return the sections in the order of Mitchell et al., and then the approvals."""
    fields = card.fields
    return [
        CardSection(title="Model details", parts=tuple(_details(card))),
        CardSection(title="Intended use", parts=tuple(_use(card))),
        CardSection(title="Factors", parts=tuple(_factors(card))),
        CardSection(title="Metrics", parts=tuple(_thresholds(card))),
        CardSection(title="Evaluation data", parts=tuple(_evaluation_data(card))),
        CardSection(title="Training data", parts=tuple(_training_data(card))),
        CardSection(title="Quantitative analyses", parts=tuple(_values(card))),
        CardSection(title="Limits", parts=tuple(_limits(card))),
        CardSection(title="Drift reference", parts=(_drift(card),)),
        CardSection(
            title="Ethical considerations",
            parts=_said(fields.ethical_considerations, "ethical_considerations"),
        ),
        CardSection(title="Caveats and recommendations", parts=_said(fields.caveats, "caveats")),
        CardSection(title="Approvals", parts=tuple(_approvals(card))),
    ]


def _said(text: str, key: str) -> tuple[Part, ...]:
    """Return the paragraphs that a person wrote, or what is missing."""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    return tuple(paragraphs) or (NOT_SAID.format(key=key),)


def _pairs(title: str, pairs: Sequence[tuple[str, object]]) -> Facts:
    rows = [[name, str(value)] for name, value in pairs if value not in ("", None, {}, [])]
    return Facts(headers=[title, "what it is"], rows=rows)


def _details(card: Card) -> Iterator[Part]:
    origin, fields = card.record.origin, card.fields
    training = origin.get("training")
    training = training if isinstance(training, dict) else {}
    packages = training.get("packages")
    versions = packages if isinstance(packages, dict) else {}
    licence = " ".join(part for part in (fields.license, fields.license_url) if part)
    yield _pairs(
        "detail",
        [
            ("service", f"{card.namespace}/{card.record.service}"),
            ("release", card.uri),
            ("fingerprint (SHA-256)", card.record.fingerprint),
            ("framework", training.get("framework", "")),
            ("request", MATRIX.format(card.matrix) if card.matrix else ""),
            ("owner", fields.owner or "not said: write owner below delivery.card"),
            ("licence", licence or "not said: write license below delivery.card"),
            ("citation", fields.citation),
            ("signature", card.signature or "not signed"),
            ("run", origin.get("run_id", "")),
            ("pipeline", origin.get("pipeline", "")),
            ("started by", trigger_cause.in_words(origin.get("trigger"))),
            ("module", origin.get("module", "")),
            *((_words(name), _value(training[name])) for name in _training_facts(training)),
            ("packages", ", ".join(f"{name} {number}" for name, number in versions.items())),
        ],
    )
    for title, tensors in (("input", card.inputs), ("output", card.outputs)):
        if tensors:
            rows = [[name, tensor.dtype, _shape(tensor)] for name, tensor in tensors.items()]
            yield Facts(headers=[title, "type", "shape"], rows=rows)


def _training_facts(training: dict[str, Any]) -> list[str]:
    names = ("train_steps", "seed", "hyperparameters", "precision", "device", "base_model")
    return [name for name in names if training.get(name) not in (None, "", {})]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shape(tensor: Tensor) -> str:
    if tensor.shape is None:
        return "any"
    return " × ".join("any" if size is None else str(size) for size in tensor.shape) or "one value"


def _use(card: Card) -> Iterator[Part]:
    yield from _said(card.fields.intended_use, "intended_use")
    yield from (f"Out of scope: {part}" for part in _scope(card))


def _scope(card: Card) -> tuple[Part, ...]:
    text = card.fields.out_of_scope
    return _said(text, "out_of_scope") if text else ("not said (delivery.card.out_of_scope).",)


def _factors(card: Card) -> Iterator[Part]:
    yield from _said(card.fields.factors, "factors")
    slices = _slices(card.metrics)
    if slices:
        yield f"Evaluated on {len(slices)} slices: {_names(slices)}."
    else:
        yield "Evaluated on no slices: the EvalConfig has no slicing_specs."


def _slices(metrics: JudgedMetrics | None) -> list[str]:
    values = metrics.values if metrics else ()
    return [name for name in dict.fromkeys(value.slice for value in values) if name]


def _thresholds(card: Card) -> Iterator[Part]:
    yield f"Verdict: {card.verdict or card.record.outcome or 'not known'}"
    checks = card.metrics.checks if card.metrics else ()
    if not checks:
        yield "No threshold was checked."
        return
    rows = [
        [
            check.value.metric,
            _slice(check.value),
            number(check.value.candidate),
            number(check.value.baseline),
            check.bound,
            "holds" if check.passed else "broken",
        ]
        for check in checks
    ]
    yield from _cut(Facts(headers=THRESHOLDS, rows=rows))


def _evaluation_data(card: Card) -> Iterator[Part]:
    evaluation = card.record.origin.get("evaluation")
    facts = evaluation if isinstance(evaluation, dict) else {}
    split = card.metrics.split if card.metrics else str(facts.get("split", ""))
    rows = card.metrics.rows if card.metrics else facts.get("rows", "")
    against = str(facts.get("against", ""))
    yield _pairs(
        "evaluation",
        [("split", split), ("rows", rows), ("compared with", against or "no live model")],
    )


def _training_data(card: Card) -> Iterator[Part]:
    origin = card.record.origin
    source = str(origin.get("data", ""))
    text, _, digest = source.partition(PIN)
    files = [] if is_database(source) else [part for part in text.split(",") if part]
    yield _pairs(
        "data",
        [
            ("span", origin.get("data_span", "")),
            ("data sets", ", ".join(card.fields.datasets)),
            ("database", source if is_database(source) else ""),
            ("files", len(files) or ""),
            ("fingerprint (SHA-256)", digest),
            *((f"rows of {split}", count) for split, count in sorted(card.data.rows.items())),
            ("fingerprint of the schema", card.data.schema_fingerprint),
            ("fingerprint of its statistics", card.record.contents.get(release.STATISTICS, "")),
        ],
    )
    if files:
        left_out = [["", f"and {len(files) - MOST_FILES} more"]] if len(files) > MOST_FILES else []
        rows = [[str(place), file] for place, file in enumerate(files[:MOST_FILES], 1)]
        yield Facts(headers=["", "file"], rows=[*rows, *left_out])
    yield from card.data.findings or ("Validation found nothing that had to be tolerated.",)


def _values(card: Card) -> Iterator[Part]:
    values = card.metrics.values if card.metrics else ()
    whole = [value for value in values if not value.slice]
    if not whole:
        yield from _recorded(card)
        return
    counts = {v.slice: number(v.candidate) for v in values if v.metric == COUNT}
    yield from _cut(Facts(headers=VALUES, rows=[_row(value, counts) for value in whole]))
    sliced = [value for value in values if value.slice and value.metric != COUNT]
    if sliced:
        yield from _cut(Facts(headers=VALUES, rows=[_row(value, counts) for value in sliced]))
    if any(value.candidate_interval for value in values):
        yield "Intervals are confidence intervals of 95 %, as TFMA computes them."


def _row(value: Value, counts: dict[str, str]) -> list[str]:
    return [
        value.metric,
        _slice(value),
        counts.get(value.slice, NO_NUMBER),
        number(value.candidate),
        _interval(value.candidate_interval),
        number(value.baseline),
        _interval(value.baseline_interval),
    ]


def _slice(value: Value) -> str:
    return cut(value.slice, MOST_NAME) or OVERALL


def _interval(bounds: Interval | None) -> str:
    return NO_NUMBER if bounds is None else f"{number(bounds[0])} to {number(bounds[1])}"


def _recorded(card: Card) -> Iterator[Part]:
    """Yield the metrics that the release's record holds, where the evaluation is not at hand."""
    evaluation = card.record.origin.get("evaluation")
    metrics = evaluation.get("metrics") if isinstance(evaluation, dict) else None
    if not isinstance(metrics, dict) or not metrics:
        yield "No metric is known."
        return
    rows = [
        [name, number(each["value"]), _bounds(each.get("low"), each.get("high"))]
        for name, each in metrics.items()
    ]
    yield Facts(headers=["metric", "value", "interval"], rows=rows)
    yield f"Metrics over all rows, {MOST_METRICS} at most; by slice they are not known."


def _bounds(low: float | None, high: float | None) -> str:
    return NO_NUMBER if low is None or high is None else _interval((low, high))


def _limits(card: Card) -> Iterator[Part]:
    """Yield what the numbers do not say: what was not computed, and thresholds without a number."""
    metrics = card.metrics or JudgedMetrics()
    absent = [value for value in metrics.values if number(value.candidate) == NO_NUMBER]
    if absent:
        rows = [[value.metric, _slice(value)] for value in absent]
        yield from _cut(Facts(headers=["not computed", "slice"], rows=rows))
    small = [
        v.slice or OVERALL for v in metrics.values if v.metric == COUNT and (v.candidate or 0) < FEW
    ]
    if small:
        yield f"Slices of fewer than {FEW} rows, whose metrics vary by chance: {_names(small)}."
    if not any(value.candidate_interval for value in metrics.values):
        yield "No confidence intervals were computed, so no number tells how sure it is."
    yield from (f"Evaluation: {note}." for note in metrics.notes)
    yield from (f"Blessing: {note}." for note in card.notes)
    yield (
        "The numbers are of the evaluation's rows; whether what is served later is like them, "
        "drift tells."
    )


def _names(names: Sequence[str]) -> str:
    shown = "; ".join(cut(name, MOST_NAME) for name in names[:MOST_FILES])
    return shown if len(names) <= MOST_FILES else f"{shown} and {len(names) - MOST_FILES} more"


def _drift(card: Card) -> Part:
    if card.drift is None:
        return "None: nothing is kept that requests could be compared with."
    settings = [(_words(name), _value(value)) for name, value in card.drift.settings.items()]
    contents = card.record.contents.get(release.DRIFT_DETECTOR, "")
    pairs = [("kind", card.drift.kind), *settings, ("fingerprint (SHA-256)", contents)]
    return _pairs("drift detector", pairs)


def _approvals(card: Card) -> Iterator[Part]:
    if card.decisions:
        rows = [[clock(e.when) + " UTC", e.who, e.what, e.about, e.why] for e in card.decisions]
        yield Facts(headers=["when", "who", "what", "about", "why"], rows=rows)
    else:
        yield "No decision is in the audit trail yet."
    yield f"Decisions since then: kanaria audit {card.record.service}"


def _cut(facts: Facts) -> Iterator[Part]:
    left_out = len(facts.rows) - MOST_ROWS
    yield Facts(headers=facts.headers, rows=facts.rows[:MOST_ROWS])
    if left_out > 0:
        yield f"{left_out} more rows are in the report of bless_model."

"""The work of explain_model: a model and examples in, importance by slice and rows out."""

import json
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.explain import gradients, importance, report
from kanaria.components.explain.explained_model import ExplainedModel, Quantity, load
from kanaria.components.explain.explained_rows import RowTable, texts
from kanaria.components.explain.importance import SliceImportance
from kanaria.components.explain.request import (
    GRADIENT,
    Request,
    Targets,
    check,
    chosen_method,
)
from kanaria.components.shared.artifacts import metadata
from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.row_sample import sampled
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.explanation import shapley_values
from kanaria.components.shared.storage import atomic

log = logging.getLogger(__name__)
IMPORTANCE, ROWS = "importance.json", "rows.jsonl"
FORMAT = DocumentFormat()
"""Of importance.json."""
MOST_ROWS_KEPT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanations:
    """All explained rows.

    Attributes:
        method: `exact`, `permutation` or `gradient`.
        quantity: what is explained.
        features: names, in the order of the values.
        background_rows: how many stood for absent features.
        base_value: mean of the quantity over the background.
        values: SHAP values, shape (rows, features).
        predictions: the quantity of each row, shape (rows,).
        rows: the first explained rows, name -> value.
        slices: importance; all rows first.
        slices_left_out: slices of few rows that are not among them.
    """

    method: str
    quantity: Quantity
    features: tuple[str, ...]
    background_rows: int
    base_value: float
    values: NDArray[np.float64]
    predictions: NDArray[np.float64]
    rows: list[dict[str, Any]]
    slices: list[SliceImportance]
    slices_left_out: int

    @property
    def residuals(self) -> NDArray[np.float64]:
        """By how much base value and values miss each answer, shape (rows,)."""
        return np.abs(self.predictions - self.base_value - self.values.sum(axis=1))

    def facts(self) -> dict[str, Any]:
        """Return what is said of all rows."""
        return {
            "quantity": self.quantity.text,
            "output": self.quantity.output,
            "column": self.quantity.column,
            "link": self.quantity.link,
            "explainer": self.method,
            "features": len(self.features),
            "rows": len(self.values),
            "background_rows": self.background_rows,
            "base_value": self.base_value,
            "largest_residual": float(self.residuals.max()),
        }

    def row_documents(self) -> list[dict[str, Any]]:
        """Return the first explained rows as JSON can hold them."""
        return [
            {
                "inputs": inputs,
                "base_value": self.base_value,
                "prediction": float(self.predictions[place]),
                "shap_values": dict(
                    zip(self.features, map(float, self.values[place]), strict=True)
                ),
            }
            for place, inputs in enumerate(self.rows)
        ]


def _sample(request: Request, split: str, rows: int, seed: int) -> pa.RecordBatch:
    batch = sampled(examples.split_files(request.examples, split), rows, seed)
    if batch is None:
        raise DataError(f"{request.examples}: split {split!r} has no rows; name another")
    return batch


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """Base value, values and predictions of all explained rows."""

    base_value: float
    values: NDArray[np.float64]
    predictions: NDArray[np.float64]


def _by_shap(model: ExplainedModel, table: RowTable, request: Request, method: str) -> _Shared:
    if method == GRADIENT:
        shares = gradients.expected_gradients(model, table, request.max_evals, request.seed)
        return _Shared(
            base_value=shares.base_value,
            values=shares.values,
            predictions=shares.predictions,
        )
    rows = [
        shapley_values.explained(
            table.background,
            row,
            lambda codes: model.answers(table.batch(codes)),
            method=method,
            settings=request.settings,
        )
        for row in table.rows
    ]
    return _Shared(
        base_value=rows[0].base_value,
        values=np.stack([row.values for row in rows]),
        predictions=np.array([row.prediction for row in rows]),
    )


def _slices(
    request: Request, rows: pa.RecordBatch, features: tuple[str, ...], shared: _Shared
) -> tuple[list[SliceImportance], int]:
    columns = request.sliced()
    values = {name: texts(rows, name) for names in columns for name in names}
    members = importance.members(columns, values, rows.num_rows)
    named = list(members.items())[: importance.MOST_SLICES]
    parts = [
        importance.of_slice(
            name, features, shared.values[places], shared.predictions[places], request.seed
        )
        for name, places in named
    ]
    return parts, len(members) - len(named)


def explained(request: Request) -> Explanations:
    """Explain rows of a split.

    Raises:
        ParameterError: parameters are wrong; all faults are named.
        DataError: the model or the examples do not serve, or a row's values do not add up.
    """
    check(request)
    model = load(request)
    method = chosen_method(request, len(model.inputs))
    background = _sample(request, request.background_split, request.background_rows, request.seed)
    # Other draws than the background's: the two splits may be one.
    rows = _sample(request, request.split, request.rows, request.seed + 1)
    table = RowTable(background, rows, list(model.inputs))
    log.info("Explaining %d rows by %s: %s.", rows.num_rows, method, model.quantity.text)
    shared = _by_shap(model, table, request, method)
    slices, left_out = _slices(request, rows, table.features, shared)
    return Explanations(
        method=method,
        quantity=model.quantity,
        features=table.features,
        background_rows=background.num_rows,
        base_value=shared.base_value,
        values=shared.values,
        predictions=shared.predictions,
        rows=[table.shown(row) for row in range(min(rows.num_rows, MOST_ROWS_KEPT))],
        slices=slices,
        slices_left_out=left_out,
    )


def explain(request: Request, targets: Targets) -> dict[str, dict[str, Any]]:
    """Explain and write; return the metadata of each output."""
    result = explained(request)
    facts = {**result.facts(), "slices_left_out": result.slices_left_out}
    settings = {"seed": request.seed, "split": request.split, "signature": request.signature}
    document = FORMAT.numbered(
        {
            **facts,
            **settings,
            "background_split": request.background_split,
            "slices": [part.as_document() for part in result.slices],
        }
    )
    with atomic.published(targets.explanations) as folder:
        folder.mkdir()
        text = json.dumps(document, indent=1, allow_nan=False)
        (folder / IMPORTANCE).write_text(text, encoding="utf-8")
        lines = [f"{json.dumps(row, allow_nan=False)}\n" for row in result.row_documents()]
        (folder / ROWS).write_text("".join(lines), encoding="utf-8")
    atomic.write_text(targets.report, report.page(result))
    first = result.slices[0].features[0]
    summary = f"most by {first.feature}"
    return {
        "explanations": metadata.described("explanations", facts, metadata.rows(len(result.values)))
        | {"most_important": first.feature},
        "report": metadata.described("report", {}, summary),
    }

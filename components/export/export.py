"""The work of export_lite: a SavedModel and rows in, a file that was run and a verdict out."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from kanaria.components.export import gate, report
from kanaria.components.export.convert import Quantization, Rows, converted, no_rows
from kanaria.components.export.gate import STEP, Measured
from kanaria.components.export.lite_model import LiteModel
from kanaria.components.export.parity import Comparison
from kanaria.components.export.request import Exported, Request, Targets
from kanaria.components.export.signature import Arrays, Signature, load, rows_of
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.row_sample import sampled
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import atomic
from kanaria.components.shared.tensors.signature_arrays import Feed

log = logging.getLogger(__name__)

FILE_NAME = "model.tflite"


def _check(request: Request) -> Quantization:
    """Return the quantization, or name every parameter that is wrong."""
    faults, kinds, limits = Faults(STEP), [kind.value for kind in Quantization], request.limits
    name = request.quantization
    faults.check(name in kinds, "quantization", name, f"use one of {', '.join(kinds)}")
    for each in ("signature", "split", "representative_split"):
        value = getattr(request, each)
        faults.check(bool(value.strip()), each, value, "must not be empty")
    rows, size = request.representative_rows, limits.max_bytes
    faults.check(rows > 0, "representative_rows", rows, "use 1 or more")
    faults.check(size >= 0, "max_bytes", size, "use 0 for any size, or more")
    apart, share = limits.max_abs_difference, limits.min_agreement
    faults.check(0 <= apart < math.inf, "max_abs_difference", apart, "use a number, 0 or more")
    faults.check(0 <= share <= 1, "min_agreement", share, "use 0 to 1")
    faults.raise_if_any()
    return Quantization(name)


def _representative(request: Request) -> pa.RecordBatch:
    """Return the rows that the ranges of int8 are measured on."""
    files = examples.split_files(request.examples, request.representative_split)
    rows = sampled(files, request.representative_rows)
    if rows is None:
        raise DataError(
            f"{request.examples}: split {request.representative_split!r} has no rows to measure "
            "the ranges of int8 on; name another as representative_split"
        )
    return rows


def _one_by_one(signature: Signature, rows: pa.RecordBatch) -> Iterator[Arrays]:
    """Yield the arguments of calls of one row each, as a device makes them."""
    for place in range(rows.num_rows):
        for feed in signature.feeds(rows.take(pa.array([place]))):
            yield feed.arrays


def _compared(signature: Signature, lite: LiteModel, files: Sequence[Path]) -> Comparison:
    comparison = Comparison()
    for feed in rows_of(signature, files):
        try:
            comparison.add(feed.rows, signature.answers(feed), lite.answers(feed))
        except ValueError as error:
            raise DataError(f"{signature.where}: {error}; sign one answer a row") from error
    return comparison


def _one_row(files: Sequence[Path], signature: Signature) -> Feed:
    row = sampled(files, 1)
    if row is None:
        raise DataError(f"{files[0].parent}: the split has no rows to compare the models on")
    return next(signature.feeds(row))


def _write(exported: Exported, content: bytes, targets: Targets) -> None:
    with atomic.published(targets.tflite_model) as folder:
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(content)
    page = report.page(
        exported.outcome, exported.measured, exported.latency, exported.inputs, exported.signature
    )
    atomic.write_text(targets.report, page)
    outcome.write(exported.outcome, targets.outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """The signature in LiteRT's format, with and without quantization."""

    content: bytes
    plain: bytes


def _converted(
    request: Request, quantization: Quantization, signature: Signature, row: Feed
) -> _Files:
    rows: Rows = no_rows
    if quantization is Quantization.INT8:
        rows = partial(_one_by_one, signature, _representative(request))
    # Whether it converts and runs at all is told by the plain file; ranges need it to run, too.
    plain = converted(signature, Quantization.NONE)
    LiteModel(plain, signature).answers(row)
    if quantization is Quantization.NONE:
        return _Files(content=plain, plain=plain)
    return _Files(content=converted(signature, quantization, rows), plain=plain)


def export(request: Request, targets: Targets) -> Exported:
    """Convert, run and judge; the file is written also where it did not pass.

    Raises:
        ParameterError: parameters are wrong; all faults are named.
        DataError: the model, the signature or the examples do not serve, an operation cannot be
            converted, or the converted file does not run.
    """
    quantization = _check(request)
    signature = load(request.model, request.signature)
    files = examples.split_files(request.examples, request.split)
    row = _one_row(files, signature)
    made = _converted(request, quantization, signature, row)
    lite = LiteModel(made.content, signature)
    outputs = _compared(signature, lite, files).result()
    measured = Measured(
        quantization=quantization.value,
        bytes=len(made.content),
        float32_bytes=len(made.plain),
        quantized=quantization is Quantization.NONE or quantization.tensor_type in lite.types,
        keeps_state=lite.keeps_state(row),
        rows=outputs[0].rows,
        outputs=outputs,
    )
    exported = Exported(
        outcome=gate.judged(measured, request.limits),
        measured=measured,
        latency=lite.latency(row),
        signature=signature.name,
        inputs=lite.inputs,
        outputs=signature.outputs(),
    )
    _write(exported, made.content, targets)
    log.info("%s", exported.outcome.summary())
    return exported

"""The work of predict_batch: rows and a release in, predictions out, a chunk at a time."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic

import pyarrow as pa

from kanaria.components.ingest import declared_column_types, row_source
from kanaria.components.ingest.row_source import Source
from kanaria.components.predict import input_check, model_signature, numbered_rows, request
from kanaria.components.predict.model_signature import Signature
from kanaria.components.predict.request import STEP, Request, Scored, Targets
from kanaria.components.predict.scored_drift import Compared, ScoredDrift
from kanaria.components.predict.targets import postgresql_table
from kanaria.components.predict.targets.parquet_folder import ParquetFolder
from kanaria.components.predict.targets.target import KEYS, ROW_ID, Job, Target, Writer
from kanaria.components.shared.artifacts import fingerprint, metadata, release, verified_release
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What is known before any row is scored."""

    signature: Signature
    source: Source
    target: Target
    job: Job
    schema: pa.Schema
    keep: tuple[str, ...]
    notes: tuple[str, ...]

    def read(self, everything: bool) -> list[str]:
        """Return the columns of the data to read: all, or those that are needed."""
        names = self.source.schema.names
        if everything or self.signature.reads_examples(names):
            return list(names)
        wanted = {*self.signature.inputs, *self.keep}
        return [name for name in names if name in wanted] or names[:1]


def _target(output: str) -> Target:
    return postgresql_table.parse(output) if is_database(output) else ParquetFolder(output)


def _kept_type(column: pa.DataType) -> pa.DataType:
    """Return the type of a kept column; without any value it is text."""
    return pa.string() if pa.types.is_null(column) else column


def _schema(signature: Signature, source: Source, keep: Sequence[str], faults: Faults) -> pa.Schema:
    """Return the columns of the predictions' rows; what cannot be is added to `faults`."""
    fields = list(KEYS)
    for name in keep:
        there = name in source.schema.names
        faults.check(there, "keep", name, f"no column of the data, which has {source.schema.names}")
        if there:
            fields.append(pa.field(name, _kept_type(source.schema.field(name).type)))
    for output in signature.outputs:
        try:
            fields.append(pa.field(output.name, output.type()))
        except DataError as error:
            faults.add(str(error))
    names = [field.name for field in fields]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.check(False, "keep", name, "two columns of the output would have this name")
    return pa.schema(fields)


@contextmanager
def _signature(order: Request, record: release.Record) -> Iterator[Signature]:
    with verified_release.opened(order.release, release.MODEL, order.keys()) as folder:
        if folder is None:
            raise DataError(f"{order.release}: no {release.MODEL} in this release; push it again")
        digest = fingerprint.of_tree(folder)
        if digest != record.fingerprint:
            raise DataError(
                f"{order.release}: its model has fingerprint {digest}, {release.LINEAGE} says "
                f"{record.fingerprint}; push it again"
            )
        yield model_signature.load(folder, order.signature)


def _planned(order: Request, record: release.Record, signature: Signature, source: Source) -> _Plan:
    """Check everything against everything, before any row is scored.

    Raises:
        ParameterError: data, model and target do not fit each other; all faults are named.
    """
    faults = Faults(STEP)
    wanted = signature.wanted(source.schema.names)
    notes = input_check.check(wanted, signature.optional, source.schema, faults)
    schema = _schema(signature, source, order.keep, faults)
    target = _target(order.output)
    target.check(schema, faults)
    faults.raise_if_any()
    job = Job(
        model=record.fingerprint,
        data=source.fingerprint,
        signature=order.signature,
        chunk_rows=order.chunk_rows,
        columns={field.name: str(field.type) for field in schema},
        chosen_run_id=order.run_id,
    )
    return _Plan(
        signature=signature,
        source=source,
        target=target,
        job=job,
        schema=schema,
        keep=tuple(order.keep),
        notes=notes,
    )


class _Scoring:
    """One job under way."""

    def __init__(self, plan: _Plan, writer: Writer, batch_rows: int) -> None:
        self._plan, self._writer, self._batch_rows = plan, writer, batch_rows
        self._finished = writer.finished()
        self.rows = self.chunks = self.rows_before = 0

    def chunk(self, rows: pa.Table) -> None:
        """Score the next chunk, unless an earlier try has.

        Raises:
            DataError: rows do not fit the model, or what the earlier try left is not of them.
        """
        number, before = self.chunks, self._finished.get(self.chunks)
        if before is None:
            self._writer.write(number, self._scored(number, rows))
            log.info("chunk %d: scored %d rows", number, rows.num_rows)
        elif before != rows.num_rows:
            raise DataError(
                f"{self._plan.target.name}: chunk {number} has {before} rows there, the data "
                f"{rows.num_rows}; remove what is there and run again"
            )
        self.rows_before += before or 0
        self.rows += rows.num_rows
        self.chunks += 1

    def _scored(self, number: int, rows: pa.Table) -> pa.Table:
        columns = [*self._keys(number, rows), *self._passed_on(rows), *self._predictions(rows)]
        return pa.Table.from_arrays(columns, schema=self._plan.schema)

    def _keys(self, number: int, rows: pa.Table) -> list[pa.Array]:
        job, count = self._plan.job, rows.num_rows
        own = (job.run_id, number, None, job.model, datetime.now(UTC))
        return [
            rows[ROW_ID] if field.name == ROW_ID else pa.repeat(pa.scalar(value, field.type), count)
            for field, value in zip(KEYS, own, strict=True)
        ]

    def _passed_on(self, rows: pa.Table) -> list[pa.ChunkedArray]:
        return [rows[name].cast(self._plan.schema.field(name).type) for name in self._plan.keep]

    def _predictions(self, rows: pa.Table) -> list[pa.Array]:
        (batch,) = rows.drop([ROW_ID]).to_batches()
        return self._plan.signature.columns(batch, self.rows + 1, self._batch_rows)


@arrow.without_pandas()
def predict(order: Request, targets: Targets) -> Scored:
    """Score all rows that an earlier try has not, and compare all of them for drift.

    Raises:
        ParameterError: parameters are wrong, or data, model and target do not fit each other; all
            faults are named.
        DataError: release or data cannot be read, or rows do not fit the model.
        ConflictError: the target holds another job, or another process writes it.
        NotReadyError: a store or a database does not answer.
    """
    separator = request.check(order)
    arrow_files.give_memory_back()
    began = monotonic()
    record = verified_release.record(order.release, order.keys())
    drift = ScoredDrift(order.release, order.keys())
    with ExitStack() as stack:
        signature = stack.enter_context(_signature(order, record))
        needed = signature.needed(None if drift.compares else order.keep)
        rows = stack.enter_context(
            row_source.opened(order.data, order.query, order.column_types, separator, needed)
        )
        declared_column_types.check_columns(order.column_types, rows.schema.names)
        plan = _planned(order, record, signature, rows)
        scored, compared = _all_chunks(plan, order, drift)
    scored = replace(scored, seconds=round(monotonic() - began, 3))
    with atomic.published(targets.scored) as folder, atomic.published(targets.report) as page:
        folder.mkdir()
        compared.write(folder, page, _title(scored))
        text = json.dumps(scored.as_document(), indent=1)
        (folder / "scored.json").write_text(text, encoding="utf-8")
    log.info("%s; drift: %s", _title(scored), scored.drift)
    return scored


def _title(scored: Scored) -> str:
    return f"{metadata.rows(scored.rows)} scored by {scored.release}"


def _all_chunks(plan: _Plan, order: Request, drift: ScoredDrift) -> tuple[Scored, Compared]:
    job = plan.job
    with plan.target.opened(job, plan.schema) as writer:
        scoring = _Scoring(plan, writer, order.batch_rows)
        names = plan.read(drift.compares)
        for chunk in numbered_rows.chunks(plan.source, names, order.chunk_rows):
            scoring.chunk(chunk)
            drift.add(chunk)
        writer.finish(scoring.chunks, scoring.rows)
    compared = drift.compared()
    scored = Scored(
        run_id=job.run_id,
        output=order.output,
        release=order.release,
        model_fingerprint=job.model,
        data_fingerprint=job.data,
        columns=dict(job.columns),
        rows=scoring.rows,
        chunks=scoring.chunks,
        rows_before=scoring.rows_before,
        seconds=0.0,
        drift=compared.summary,
        drifted=compared.drifted,
        notes=plan.notes,
    )
    return scored, compared

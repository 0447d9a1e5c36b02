"""The evaluated rows, batch by batch: labels, predictions of every model, slice columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.evaluate import eval_config, model_functions
from kanaria.components.evaluate.model_signature import LoadedModel, Outputs
from kanaria.components.evaluate.private_tfma import RecordBatchToExamplesEncoder, tfma
from kanaria.components.shared.data import partitions
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks import model_files

BATCH_ROWS = 32_768
PARTITION_ROWS = 8 * BATCH_ROWS


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """N evaluated rows.

    Attributes:
        table: N rows of the needed columns, each a list column as TFX libraries read it; never
            without a column, as a table without columns has no rows.
        predictions: model name -> output name -> shape (N, ...).
        derived: model name -> name -> shape (N, ...), what preprocessing signatures gave.
        number: number of the partition and of the batch in it; what is drawn at random for
            these rows follows from it.
        wheres: model name -> how messages name its signature.
    """

    table: pa.Table
    predictions: dict[str, Outputs]
    derived: dict[str, Outputs]
    number: tuple[int, int] = (0, 0)
    wheres: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return N."""
        return int(self.table.num_rows)

    def part(self, start: int, stop: int) -> "Rows":
        """Return some of the rows, from one number up to another."""
        return replace(
            self,
            table=self.table.slice(start, stop - start),
            predictions=_cut(self.predictions, start, stop),
            derived=_cut(self.derived, start, stop),
        )

    def prediction(self, model: str) -> Any:
        """Return the only output of a model, or all of them by name, as TFMA does."""
        outputs = self.predictions[model]
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def missing(self, model: str, column: str) -> NDArray[Any]:
        """Return which rows have no value in a column or NaN, shape (N,), booleans."""
        if column in self.derived.get(model, {}):
            values = self.derived[model][column].reshape(len(self), -1)
            bad = values != values if values.dtype.kind == "f" else np.zeros(values.shape, bool)
            return np.asarray(bad.any(axis=1))
        lists = self._lists(column)
        if lists is None:
            return np.ones(len(self), dtype=bool)
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        missing = np.asarray(counts == 0)
        if pa.types.is_floating(lists.type.value_type):
            nan = np.isnan(lists.flatten().to_numpy(zero_copy_only=False))
            if nan.any():
                rows = np.repeat(np.arange(len(self)), counts)
                missing[rows[nan]] = True
        return missing

    def values(self, model: str, column: str) -> NDArray[Any] | None:
        """Return a column's values, shape (N, values a row); None where rows differ in number.

        What the model derives hides a column of the same name, as in TFMA.
        """
        if column in self.derived.get(model, {}):
            return self.derived[model][column].reshape(len(self), -1)
        lists = self._lists(column)
        if lists is None:
            return np.full((len(self), 1), np.nan)
        counts = pc.unique(pc.list_value_length(lists)).to_pylist()
        if len(counts) != 1 or not counts[0]:
            return None
        flat = lists.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat.reshape(len(self), -1))

    def scalars(self, model: str, column: str) -> NDArray[Any] | None:
        """Return a column as float64 of shape (N,), missing as NaN; None when it is no scalar."""
        if column in self.derived.get(model, {}):
            values = self.derived[model][column]
            numeric = values.dtype.kind in "biuf" and values.size == len(self)
            return values.reshape(-1).astype(np.float64) if numeric else None
        lists = self._lists(column)
        if lists is None:
            return np.full(len(self), np.nan)
        kind = lists.type.value_type
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or (counts > 1).any():
            return None
        result = np.full(len(self), np.nan)
        result[counts == 1] = lists.flatten().to_numpy(zero_copy_only=False)
        return result

    def _lists(self, column: str) -> pa.Array | None:
        """Return a raw column as one array of lists; None for one of nulls alone."""
        array = self.table.column(column).combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # Newer releases keep an empty one chunked.
            array = pa.concat_arrays(array.chunks) if array.chunks else pa.array([], array.type)
        return None if pa.types.is_null(array.type) else array


def _cut(outputs_of_models: dict[str, Outputs], start: int, stop: int) -> dict[str, Outputs]:
    return {
        model: {name: values[start:stop] for name, values in outputs.items()}
        for model, outputs in outputs_of_models.items()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """Some rows of a split, and what scores them; nothing is open or loaded.

    Attributes:
        number: its place among the partitions of the split.
        part: some rows of a file, in order.
        config: bytes of a `tfma.EvalConfig` for exactly these models.
        models: folder of each model of the config, in its order.
        columns: names of the columns to keep.
        batch_rows: most rows a batch.
    """

    number: int
    part: partitions.Partition
    config: bytes
    models: tuple[Path, ...]
    columns: frozenset[str]
    batch_rows: int = BATCH_ROWS


def loaded(config: bytes, folders: tuple[Path, ...]) -> list[LoadedModel]:
    """Return models, loaded; the last ones stay so in this process while their files do.

    Args:
        config: bytes of a `tfma.EvalConfig` for exactly these models.
        folders: their folders, in the order of the config.
    """
    located = [model_files.locate(folder) for folder in folders]
    stamps = tuple(one.file.stat().st_mtime_ns for one in located)
    return _loaded(config, tuple(one.folder for one in located), stamps)


@lru_cache(maxsize=1)
def _loaded(
    config: bytes, folders: tuple[Path, ...], _stamps: tuple[int, ...]
) -> list[LoadedModel]:
    specs = tfma.EvalConfig.FromString(config).model_specs
    return [model_functions.load(folder, spec) for folder, spec in zip(folders, specs, strict=True)]


def read(partition: Partition) -> Iterator[Rows]:
    """Yield the rows of a partition with the predictions of every model.

    Raises:
        DataError: a model refuses the rows.
    """
    try:
        yield from scored(loaded(partition.config, partition.models), partition)
    except DataError as error:
        if not partition.number:
            raise
        raise DataError(
            f"{error} (rows are counted from the first of part {partition.number} of the split, "
            f"in {partition.part.file.name})"
        ) from error


def scored(ready: Sequence[LoadedModel], partition: Partition) -> Iterator[Rows]:
    """Yield the rows of a partition with the predictions of loaded models.

    Args:
        ready: the models to run; each sees the same rows in the same order.
        partition: the rows.

    Raises:
        DataError: a model refuses the rows.
    """
    encoder = RecordBatchToExamplesEncoder()
    first, number = 0, 0
    wheres = {model.name: model.predict.where for model in ready}
    for batch in partitions.batches(partition.part, partition.batch_rows):
        if not batch.num_rows:
            continue
        serialized: list[bytes] = []
        if any(one.reads_examples(batch) for model in ready for one in model.signatures()):
            serialized = encoder.encode(_chosen(batch, _typed(batch.schema)))
        predictions, derived = {}, {}
        for model in ready:
            predictions[model.name] = model.predict.run(batch, serialized, first)
            if model.preprocess:
                outputs = [one.run(batch, serialized, first) for one in model.preprocess]
                derived[model.name] = {k: v for part in outputs for k, v in part.items()}
        yield Rows(
            table=pa.Table.from_batches([_wanted_columns(batch, set(partition.columns))]),
            predictions=predictions,
            derived=derived,
            number=(partition.number, number),
            wheres=wheres,
        )
        first, number = first + batch.num_rows, number + 1


def joined(batches: Sequence[Rows]) -> Rows:
    """Return the rows of one or more batches as one."""
    return Rows(
        table=pa.concat_tables([batch.table for batch in batches]),
        predictions=_joined([batch.predictions for batch in batches]),
        derived=_joined([batch.derived for batch in batches]),
        wheres=batches[0].wheres,
    )


def _joined(parts: Sequence[dict[str, Outputs]]) -> dict[str, Outputs]:
    return {
        model: {name: np.concatenate([part[model][name] for part in parts]) for name in outputs}
        for model, outputs in parts[0].items()
    }


def of_split(
    files: Sequence[Path], config: Any, folders: Sequence[Path], columns: set[str]
) -> list[Partition]:
    """Return the partitions of a split, which follow from the files alone.

    Args:
        files: files of the split.
        config: a `tfma.EvalConfig` for exactly these models.
        folders: the models' folders, in the order of the config.
        columns: names of the columns to keep.
    """
    return [
        Partition(
            number=number,
            part=part,
            config=eval_config.packed(config),
            models=tuple(folders),
            columns=frozenset(columns),
        )
        for number, part in enumerate(partitions.partitions(files, PARTITION_ROWS))
    ]


def no_rows(files: Sequence[Path]) -> DataError:
    """Return the error of a split without rows."""
    return DataError(f"{files[0].parent}: the split has no rows; evaluate on one that has")


def _chosen(batch: pa.RecordBatch, columns: set[str]) -> pa.RecordBatch:
    names = [name for name in batch.schema.names if name in columns]
    return pa.RecordBatch.from_arrays(
        [batch.column(batch.schema.names.index(n)) for n in names], names
    )


def _wanted_columns(batch: pa.RecordBatch, columns: set[str]) -> pa.RecordBatch:
    """Return the columns to keep; the first one when none of the batch's own is needed.

    Labels and slices may all come from preprocessing signatures, and an Arrow table without
    columns forgets how many rows it has.
    """
    return _chosen(batch, columns & set(batch.schema.names) or {batch.schema.names[0]})


def _typed(schema: pa.Schema) -> set[str]:
    """Return the columns that have a type; the encoder refuses those of nulls alone."""
    return {field.name for field in schema if not pa.types.is_null(field.type)}

"""What scores, and rows as it takes them; the module that runs the model."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.ingest.typed_rows import Needed
from kanaria.components.predict import example_features
from kanaria.components.predict.prediction_columns import Output, column
from kanaria.components.predict.request import STEP
from kanaria.components.shared.artifacts.model_inputs import Array, Input, takes_examples
from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.record_batches import as_lists, to_lists, value_type
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import model_function
from kanaria.components.shared.frameworks.array_model import PredictionError, dtype_of
from kanaria.components.shared.frameworks.model_function import Call
from kanaria.components.shared.tensors import signature_arrays
from kanaria.components.shared.tensors.signature_arrays import Feed

COLUMN_TYPES = {"f": "float64", "i": "int64", "u": "int64", "b": "int64", "O": "string"}
"""Kind of an input's type -> what a column of CSV is read as; as `shared.tensors` takes it."""
INTEGERS, FLOATS = pa.large_list(pa.int64()), pa.large_list(pa.float32())


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A loaded model as it scores rows.

    Attributes:
        where: names it in a message.
        call: takes arrays by input, returns those of its outputs.
        inputs: what it takes, by name.
        optional: inputs and features that the model says may be missing.
        outputs: what it returns, in their order.
        parses: whether it reads serialized tf.Examples.
        features: those that it parses out of them, as far as the graph tells.
        loaded: the model, which holds what it computes with.
    """

    where: str
    call: Call
    inputs: Mapping[str, Input]
    optional: frozenset[str]
    outputs: tuple[Output, ...]
    parses: bool
    features: Mapping[str, Input]
    loaded: Any

    def reads_examples(self, columns: list[str]) -> bool:
        """Tell whether rows with these columns are given to it as serialized tf.Examples."""
        return takes_examples(self.inputs, columns, self.parses)

    def wanted(self, columns: list[str]) -> Mapping[str, Input]:
        """Return what rows with these columns have to hold, by the names of columns."""
        return self.features if self.reads_examples(columns) else self.inputs

    def needed(self, others: Collection[str] | None) -> Needed:
        """Return what rows of CSV files are read as, so that nobody has to find it out.

        A signature of named inputs says the types of its columns. One that parses tf.Examples gets
        all columns, of which it says some.

        Args:
            others: columns that are needed beside its own; None for all that there are.
        """
        may_parse = takes_examples(self.inputs, (), self.parses)
        own = {**self.inputs, **self.features} if may_parse else self.inputs
        kinds = {name: COLUMN_TYPES.get(item.dtype.kind, "") for name, item in own.items()}
        types = {name: kind for name, kind in kinds.items() if kind}
        return Needed(types=types, others=None if may_parse else others)

    def feeds(self, rows: pa.RecordBatch, first: int) -> Iterator[Feed]:
        """Yield arguments that give the signature every row once, rows of equal lengths together.

        Args:
            rows: with the columns of the data.
            first: number of the first row, for messages.

        Raises:
            DataError: a row does not fit an input.
        """
        if self.reads_examples(rows.schema.names):
            lists = _as_parsed(to_lists(rows), self.features)
            examples = np.array(list(tf_examples.encoded(lists)), dtype=object)
            yield Feed(rows=np.arange(rows.num_rows), arrays={min(self.inputs): examples})
        else:
            yield from signature_arrays.feeds(_lists(rows, self.inputs), self.inputs, first)

    def _calls(self, feed: Feed, most: int) -> Iterator[Feed]:
        """Yield the arguments of calls of at most so many rows.

        A signature of one number of rows gets just so many, the last row repeated.
        """
        sizes = {item.shape[0] for item in self.inputs.values() if item.shape} - {None}
        size = max((size for size in sizes if size is not None), default=None)
        for start in range(0, len(feed.rows), size or most):
            part = slice(start, start + (size or most))
            arrays = {name: array[part] for name, array in feed.arrays.items()}
            if size is not None:
                arrays = {name: _filled(array, size) for name, array in arrays.items()}
            yield Feed(rows=feed.rows[part], arrays=arrays)

    def columns(self, rows: pa.RecordBatch, first: int, most: int) -> list[pa.Array]:
        """Return the predictions for some rows: a column an output, in the order of the rows.

        Args:
            rows: with the columns of the data.
            first: number of the first row, for messages.
            most: rows of one call.

        Raises:
            DataError: a row does not fit an input, the model refuses the rows, or it does not give
                one answer a row.
        """
        calls = [call for feed in self.feeds(rows, first) for call in self._calls(feed, most)]
        answers = [self._answers(call) for call in calls]
        order = np.concatenate([call.rows for call in calls])
        in_order = bool((np.diff(order) > 0).all())
        columns = []
        for output in self.outputs:
            whole = pa.concat_arrays(list(_columns(output, [a[output.name] for a in answers])))
            columns.append(whole if in_order else whole.take(pa.array(np.argsort(order))))
        return columns

    def _answers(self, feed: Feed) -> dict[str, NDArray[Any]]:
        sizes = {len(array) for array in feed.arrays.values()}
        try:
            outputs = self.call(feed.arrays)
        except PredictionError as error:
            raise DataError(
                f"{self.where}: the model fails on {len(feed.rows)} rows: {error}; check that the "
                "data fits it"
            ) from error
        for name, values in outputs.items():
            if {*values.shape[:1]} != sizes:
                raise DataError(
                    f"{self.where}: output {shown(name)} has shape {values.shape} for "
                    f"{max(sizes)} rows; sign one answer a row"
                )
        return {name: values[: len(feed.rows)] for name, values in outputs.items()}


def _filled(array: Array, size: int) -> Array:
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])


def _columns(output: Output, answers: Sequence[NDArray[Any]]) -> Iterator[pa.Array]:
    """Yield the answers as columns, those of one shape together."""
    for _, same in groupby(answers, key=lambda values: values.shape[1:]):
        yield column(output, np.concatenate(list(same)))


def _as_parsed(lists: pa.RecordBatch, features: Mapping[str, Input]) -> pa.RecordBatch:
    """Return rows with floats where the graph parses floats and the data has whole numbers."""
    floats = [name for name, item in features.items() if item.dtype.kind == "f"]
    columns = [
        column.cast(FLOATS) if name in floats and column.type == INTEGERS else column
        for name, column in zip(lists.schema.names, lists.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=lists.schema.names)


def _lists(rows: pa.RecordBatch, inputs: Mapping[str, Input]) -> pa.RecordBatch:
    """Return the columns of inputs as lists; floats of 64 bits keep them all."""
    columns = {}
    for name in inputs:
        place = rows.schema.get_field_index(name)
        if place >= 0:
            values = rows.column(place)
            target = list_type(name, values.type)
            columns[name] = as_lists(name, values, target)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def list_type(name: str, column_type: pa.DataType) -> pa.DataType:
    """Return the type of lists that hold a column's values unchanged; null without any.

    Raises:
        DataError: the column's type has no form in a tf.Example.
    """
    is_list = pa.types.is_list(column_type) or pa.types.is_large_list(column_type)
    own = column_type.value_type if is_list else column_type
    value = pa.float64() if pa.types.is_float64(own) else value_type(name, own)
    return value if pa.types.is_null(value) else pa.large_list(value)


def load(model: Path, name: str) -> Signature:
    """Load the newest model below `model` with the signature of this name.

    Raises:
        DataError: there is no model that loads.
        ParameterError: the model has no such signature.
    """
    function = model_function.load(model, name, STEP, tf)
    traced = function.traced
    parsed = {} if traced is None else example_features.features(traced.graph.as_graph_def())
    optional = {key for key, feature in parsed.items() if not feature.required}
    return Signature(
        where=function.where,
        call=function.call,
        inputs=function.inputs,
        optional=function.optional | optional,
        outputs=tuple(
            Output(name=key, dtype=dtype_of(tensor), shape=tensor.shape)
            for key, tensor in function.outputs.items()
        ),
        parses=function.parses,
        features=parsed,
        loaded=function.loaded,
    )

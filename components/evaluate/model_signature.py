"""What evaluation runs of a model, of whatever framework: rows in, outputs out. No TensorFlow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.shared.artifacts.model_inputs import Array, Input, takes_examples
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks.array_model import PredictionError
from kanaria.components.shared.tensors.signature_arrays import Feed, feeds

# What one signature gives for a batch: an array of n rows, or several by output name.
Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature of a loaded model.

    Attributes:
        where: model path and signature, for messages.
        call: takes arrays by name, returns those of its outputs; raises PredictionError.
        outputs: their names.
        inputs: what it takes, by name.
        parses: whether it reads serialized tf.Examples.
    """

    where: str
    call: Callable[[Mapping[str, Array]], Outputs]
    outputs: frozenset[str]
    inputs: Mapping[str, Input]
    parses: bool = False

    def reads_examples(self, batch: pa.RecordBatch) -> bool:
        """Tell whether it is given a batch as serialized tf.Examples."""
        return takes_examples(self.inputs, batch.schema.names, self.parses)

    def _feeds(
        self, batch: pa.RecordBatch, serialized: Sequence[bytes], first: int
    ) -> Iterator[Feed]:
        columns = batch.schema.names
        if self.reads_examples(batch):
            examples = np.array(serialized, dtype=object)
            yield Feed(rows=np.arange(batch.num_rows), arrays={min(self.inputs): examples})
            return
        missing = sorted(set(self.inputs) - set(columns))
        if missing:
            raise DataError(
                f"{self.where}: inputs {shown(missing)} are no columns of the examples; "
                "evaluate on examples with the columns the model was trained on"
            )
        try:
            yield from feeds(batch, self.inputs, first)
        except DataError as error:
            raise DataError(f"{self.where}: {error}") from error

    def run(self, batch: pa.RecordBatch, serialized: Sequence[bytes], first: int = 0) -> Outputs:
        """Return the outputs for one batch, each of shape (rows, ...).

        Args:
            batch: n rows as lists (see `shared.record_batches`).
            serialized: the same n rows as serialized tf.Examples; not used unless it
                `reads_examples`.
            first: number of the first row in the split, for messages.

        Raises:
            DataError: the rows do not fit the model's inputs, the model refuses them, or it
                returns another number of rows or rows of different shapes.
        """
        feeds = self._feeds(batch, serialized, first)
        answers_of_feeds = [(feed.rows, self._answered(feed)) for feed in feeds]
        return {
            name: self._in_order(
                name, [(rows, answers[name]) for rows, answers in answers_of_feeds]
            )
            for name in answers_of_feeds[0][1]
        }

    def _answered(self, feed: Feed) -> Outputs:
        count = len(feed.rows)
        try:
            dense = self.call(feed.arrays)
        except PredictionError as error:
            raise DataError(
                f"{self.where}: failed on {count} rows with {error}; check that the examples fit "
                "the model"
            ) from error
        for name, value in dense.items():
            if value.shape[:1] != (count,):
                raise DataError(
                    f"{self.where}: output {name!r} has shape {value.shape} for {count} "
                    "rows; export a signature with one output a row"
                )
        return dense

    def _in_order(self, name: str, parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Any:
        """Return what calls with some of the rows each gave, in the order of the rows."""
        shapes = {values.shape[1:] for _, values in parts}
        if len(shapes) > 1:
            raise DataError(
                f"{self.where}: output {name!r} has rows of shapes {shown(sorted(shapes))}; "
                "export an output whose shape does not follow the length of an input"
            )
        if len(parts) == 1:
            return parts[0][1]  # One call had all rows, in order.
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        return np.concatenate([values for _, values in parts])[order]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model ready to predict.

    Attributes:
        name: its name in the EvalConfig; "" when it is the only one.
        folder: its SavedModel, or the folder of its file.
        predict: the signature that gives predictions.
        preprocess: signatures that give features and labels as the model sees them.
    """

    name: str
    folder: Path
    predict: Signature
    preprocess: tuple[Signature, ...] = ()

    def signatures(self) -> tuple[Signature, ...]:
        """Return every signature that is run on the rows."""
        return (self.predict, *self.preprocess)

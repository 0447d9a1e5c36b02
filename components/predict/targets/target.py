"""What every target promises, and the job that it keeps a ledger of. Pure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pyarrow as pa

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ConflictError, shown

FORMAT = DocumentFormat()
"""Of the ledger's document."""
RUN_ID, CHUNK, ROW_ID = "run_id", "chunk", "row_id"
MODEL_FINGERPRINT, SCORED_AT = "model_fingerprint", "scored_at"
KEYS = pa.schema(
    [
        (RUN_ID, pa.string()),
        (CHUNK, pa.int64()),
        (ROW_ID, pa.string()),
        (MODEL_FINGERPRINT, pa.string()),
        (SCORED_AT, pa.timestamp("us", "UTC")),
    ]
)
"""The columns that every target has, before those that were kept and the predictions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a ledger is of: equal jobs give equal rows, but for the time of scoring.

    Attributes:
        model: fingerprint of the model.
        data: fingerprint of the data.
        signature: name of the signature.
        chunk_rows: most rows of a chunk.
        columns: column -> Arrow type as text.
        chosen_run_id: name of the run, where the user chose one.
    """

    model: str
    data: str
    signature: str
    chunk_rows: int
    columns: Mapping[str, str]
    chosen_run_id: str = ""

    @property
    def run_id(self) -> str:
        """Name of the run: the user's, or one that follows from all else."""
        columns = [text for pair in self.columns.items() for text in pair]
        settings = (self.signature, str(self.chunk_rows), *columns)
        return self.chosen_run_id or fingerprint.of_text(self.model, self.data, *settings)[:16]

    def as_document(self) -> dict[str, Any]:
        """Return it as a ledger holds it."""
        return FORMAT.numbered({**asdict(self), "columns": dict(self.columns)})

    def check_same(self, document: Any, where: str) -> None:
        """Raise ConflictError unless a ledger is of this job.

        Raises:
            ConflictError: it is of another; every difference is named.
            DataError: it is no ledger, or a newer Kanaria wrote it.
        """
        other, own = FORMAT.current(document, where), asdict(self)
        differences = [
            f"{name} {shown(other.get(name), 80)}, now {shown(value, 80)}"
            for name, value in own.items()
            if other.get(name) != value
        ]
        if differences:
            raise ConflictError(
                f"{where}: holds another run, of {'; '.join(differences)}; name another output or "
                "run_id, or remove what is there"
            )


class Writer(Protocol):
    """A target that is written."""

    def finished(self) -> Mapping[int, int]:
        """Return the chunks that are there: number, from 0 -> rows."""

    def write(self, chunk: int, rows: pa.Table) -> None:
        """Add a chunk, whole or not at all."""

    def finish(self, chunks: int, rows: int) -> None:
        """Mark the run as whole."""


class Target(Protocol):
    """Where predictions go.

    Attributes:
        name: what messages call it.
    """

    @property
    def name(self) -> str:
        """What messages call it."""

    def check(self, schema: pa.Schema, faults: Faults) -> None:
        """Add what stands against rows of `schema` there; nothing is changed.

        Raises:
            NotReadyError: it does not answer.
        """

    @contextmanager
    def opened(self, job: Job, schema: pa.Schema) -> Iterator[Writer]:
        """Yield what writes the chunks of a job.

        Raises:
            ConflictError: it holds another job, or another process writes there.
            NotReadyError: it does not answer.
        """

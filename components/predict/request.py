"""What predict_batch is asked for, and what became of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.ingest import csv_separator, declared_column_types, row_source
from kanaria.components.predict.targets import postgresql_table
from kanaria.components.shared.artifacts import metadata, verify_keys
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import uri_files

STEP = "predict_batch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to score, by what, and where the predictions go.

    Attributes:
        release: URI of a release.
        data: files (`shared.data_reference`), or a database (`shared.database_reference`).
        output: folder for Parquet files, or `postgresql://user@host/name#table`.
        verify_key: PEM of the public key that the release must be signed for, or "".
        query: what a database is asked; "" for files.
        column_types: column name -> type (`declared_column_types.NAMES`).
        separator: between the values of CSV files.
        keep: names of columns of the data that go along, in their order.
        signature: name of the model's signature.
        run_id: name of the run in its rows and in the ledger; "" for one that follows from release,
            data and settings.
        chunk_rows: most rows of a chunk, 1 or more.
        batch_rows: most rows of one call of the model, 1 or more.
    """

    release: str
    data: str
    output: str
    verify_key: str = ""
    query: str = ""
    column_types: Mapping[str, str] = field(default_factory=dict)
    separator: str = csv_separator.COMMA
    keep: Sequence[str] = ()
    signature: str = "serving_default"
    run_id: str = ""
    chunk_rows: int = 100_000
    batch_rows: int = 1_000

    def keys(self) -> VerifyKeys | None:
        """Return the keys that the release must be signed for, None for none.

        Raises:
            ParameterError: they cannot be used.
        """
        return verify_keys.of_step(self.verify_key, STEP)


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths: the folder of `scored.json` and `drift.json`, and the HTML file."""

    scored: Path
    report: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """What became of a request.

    Attributes:
        run_id: what its rows are called by.
        output: where they are.
        release: URI of the release that scored them.
        model_fingerprint: of its model, 64 hexadecimal digits.
        data_fingerprint: of the data, 64 hexadecimal digits.
        columns: column -> Arrow type as text.
        rows: of the data, all of which have their prediction now.
        chunks: that hold them.
        rows_before: rows of chunks that an earlier try had finished.
        seconds: that reading, scoring and writing took.
        drift: what the release's drift detector says of the rows, in one line.
        drifted: whether they drifted.
        notes: what a reader should know beside it.
    """

    run_id: str
    output: str
    release: str
    model_fingerprint: str
    data_fingerprint: str
    columns: dict[str, str]
    rows: int
    chunks: int
    rows_before: int
    seconds: float
    drift: str
    drifted: bool
    notes: tuple[str, ...] = ()

    @property
    def rows_per_second(self) -> int:
        """Rows that this try scored, a second."""
        return round((self.rows - self.rows_before) / max(self.seconds, 1e-9))

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "rows_per_second": self.rows_per_second}

    def metadata(self) -> dict[str, Any]:
        """Return what the artifact says of itself in lists."""
        return metadata.described("scored", self.as_document(), metadata.rows(self.rows))


def check(request: Request) -> str:
    """Return the separator of CSV files, or name every parameter that is wrong.

    Raises:
        ParameterError: parameters are wrong; all are named.
    """
    faults = Faults(STEP)
    row_source.check(request.data, request.query, request.separator, faults)
    declared_column_types.check(request.column_types, faults)
    separator = csv_separator.parse(request.separator, faults)
    for name in ("release", "output", "signature"):
        value = getattr(request, name)
        faults.check(bool(value.strip()), name, value, "must not be empty")
    for name in ("chunk_rows", "batch_rows"):
        value = getattr(request, name)
        faults.check(value > 0, name, value, "use 1 or more")
    twice = sorted({name for name in request.keep if list(request.keep).count(name) > 1})
    faults.check(not twice, "keep", twice, "name each column once")
    try:
        uri_files.check(request.release)
    except ParameterError as error:
        faults.add(f"release: {error}")
    if is_database(request.output):
        postgresql_table.check_reference(request.output, faults)
    faults.raise_if_any()
    return separator

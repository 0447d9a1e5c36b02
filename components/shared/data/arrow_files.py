"""Opens Parquet files and Arrow schemas, and never runs code that stands in them.

Rule: nothing else in Kanaria opens one. Arrow before 14.0.1 unpickles columns of a Python
extension type, which runs whatever the writer of the file wants (CVE-2023-47248). The hotfix by
Arrow's maintainers forbids it in the whole process, the user's own code included.
"""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  It works by being imported.

from kanaria.components.shared.errors import DataError, shown

BUFFER_BYTES = 1 << 20
"""How much of a column is read at once; without it, all of a row group's bytes would be."""


def unreadable(uri: str, error: Exception) -> DataError:
    """Return the error for a Parquet file that Arrow cannot open or read."""
    return DataError(
        f"{uri}: not a readable Parquet file: {shown(str(error))}; write it again, with types that "
        f"Arrow {pa.__version__} knows"
    )


def give_memory_back() -> None:
    """Let Arrow return at once what it frees; else a step holds 20 to 30 MB more than it uses."""
    with suppress(NotImplementedError):  # Arrow was built with another allocator.
        pa.jemalloc_set_decay_ms(0)


def parquet(path: Path, uri: str = "", int96_unit: str = "ns") -> pq.ParquetFile:
    """Open a Parquet file; the caller closes it.

    Args:
        path: the file.
        uri: what messages name; "" for the path.
        int96_unit: `ns` or `us`, in which 96-bit timestamps are read; neither holds them all.

    Raises:
        DataError: the file is damaged, or holds a column that would run code.
    """
    try:
        return pq.ParquetFile(
            path, coerce_int96_timestamp_unit=int96_unit, buffer_size=BUFFER_BYTES
        )
    except (pa.ArrowException, OSError) as error:
        raise unreadable(uri or str(path), error) from error
    except RuntimeError as error:  # The hotfix's; its text is a disassembly.
        raise _forbidden(uri or str(path)) from error


def _forbidden(uri: str) -> DataError:
    return DataError(
        f"{uri}: a column has a Python extension type, which runs code of the file's writer when "
        "it is read (CVE-2023-47248); write it as numbers or text"
    )


def parquet_schema(path: Path) -> pa.Schema:
    """Return the columns of a Parquet file.

    Raises:
        DataError: as `parquet` does.
    """
    with parquet(path) as opened:
        return opened.schema_arrow


def schema(path: Path) -> pa.Schema:
    """Return the Arrow schema that a file consists of.

    Raises:
        DataError: the file is damaged, or names a type that would run code.
    """
    try:
        return pa.ipc.read_schema(pa.BufferReader(path.read_bytes()))
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Arrow schema: {shown(str(error))}; write it again"
        ) from error
    except RuntimeError as error:
        raise _forbidden(str(path)) from error

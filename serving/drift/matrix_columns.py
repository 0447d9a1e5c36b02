"""Names of the columns of a request's one matrix: a file in the folder of a detector.

    {"columns": ["hour", "distance"]}

Servers of scikit-learn, XGBoost and ONNX take a matrix, whose columns have no names in a request;
the detector's reference has those of the examples.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from kanaria.components.shared.errors import DataError, shown

FILE = "matrix_columns.json"


def write(folder: Path, columns: Sequence[str]) -> None:
    """Write the names of a matrix's columns, in their order, into a detector's folder."""
    text = json.dumps({"columns": list(columns)}, indent=2) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def read(folder: Path) -> tuple[str, ...]:
    """Return the names of a matrix's columns, () where requests name their inputs.

    Raises:
        DataError: the file is none that `write` writes.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        return tuple(map(str, json.loads(path.read_text(encoding="utf-8"))["columns"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no names of columns: {shown(error)}; fit it anew") from error

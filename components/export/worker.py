"""What the process of its own does: `python -m kanaria.components.export.worker FOLDER PARENT`.

FOLDER holds the order; what comes of it is put beside it, as `process` reads it.
"""

import logging
import pickle
import sys
import traceback
from pathlib import Path

from kanaria.components.export.converter_process import FAULT, ORDER, RESULT
from kanaria.components.export.lean_imports import export
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.process_lifeline import die_with


def main(folder: Path) -> None:
    """Export as the order says, and leave the result or the fault."""
    request, targets = pickle.loads((folder / ORDER).read_bytes())  # noqa: S301  Our own step wrote it.
    try:
        exported = export(request, targets)
    except KanariaError as error:
        traceback.print_exc()
        (folder / FAULT).write_bytes(pickle.dumps((type(error).__name__, str(error))))
    else:
        (folder / RESULT).write_bytes(pickle.dumps(exported))


if __name__ == "__main__":
    die_with(int(sys.argv[2]))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    main(Path(sys.argv[1]))

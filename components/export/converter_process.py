"""The work in a process of its own, which the converter may end without a word.

TensorFlow's converter aborts on graphs that it cannot read ("LLVM ERROR"), and an interpreter on
files that it cannot run. The step must still say why it failed.
"""

import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from kanaria.components.export.request import Exported, Request, Targets
from kanaria.components.shared import errors
from kanaria.components.shared.errors import DataError, shown

MODULE = "kanaria.components.export.worker"
ORDER, RESULT, FAULT = "order", "result", "fault"
TELLING = re.compile(r"(?:LLVM ERROR|Check failed|[Ee]rror): .*")


def export_apart(request: Request, targets: Targets) -> Exported:
    """Do the step's work in a fresh process, and return what it returned.

    Raises:
        KanariaError: what the work raised.
        DataError: the process ended before its work did; the message has what TensorFlow said.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ORDER).write_bytes(pickle.dumps((request, targets)))
        ended = subprocess.run(
            [sys.executable, "-P", "-m", MODULE, name, str(os.getpid())],
            # The modules of the step are found where the step finds them.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stderr=subprocess.PIPE,
            check=False,
        )
        log = ended.stderr.decode("utf-8", "replace")
        sys.stderr.write(log)
        return _result(folder, request, ended.returncode, log)


def _result(folder: Path, request: Request, code: int, log: str) -> Exported:
    if (folder / FAULT).exists():
        kind, message = pickle.loads((folder / FAULT).read_bytes())  # noqa: S301  Our own process wrote it.
        raise getattr(errors, kind)(message)
    if code or not (folder / RESULT).exists():
        raise DataError(_end(request, code, log))
    exported = pickle.loads((folder / RESULT).read_bytes())  # noqa: S301
    assert isinstance(exported, Exported)
    return exported


def _end(request: Request, code: int, log: str) -> str:
    """Say how a process ended that could not say it itself."""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    telling = list(dict.fromkeys(TELLING.findall(log))) or log.strip().splitlines()[-1:]
    return (
        f"signature {shown(request.signature)}: TensorFlow's converter ended with {how}: "
        f"{shown('; '.join(telling[:3]))}; try another quantization, or convert a smaller "
        "signature; a Keras 3 model may convert as tf.keras (Keras 2)"
    )

"""What Spark raises, as errors that say what to do. Imports pyspark only where it is used."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from kanaria.components.shared.errors import KanariaError, NotReadyError, ParameterError, shown

LONGEST = 600
_CAUSES = (
    (
        r"PYTHON_VERSION_MISMATCH\] ([^\n]*)",
        ParameterError,
        "run the executors in the image of the step, or name their Python: spark.pyspark.python",
    ),
    (
        r"(No module named '[^']*')",
        ParameterError,
        "the executors' Python lacks it; run them in the image of the step, or name their Python: "
        "spark.pyspark.python",
    ),
    (
        r'(Cannot run program "[^"]*"[^\n]*)',
        ParameterError,
        "the executors have no such Python; run them in the image of the step, or name theirs: "
        "spark.pyspark.python",
    ),
    (
        r"(Serialized task [^\n]*exceeds max allowed[^\n.]*)",
        ParameterError,
        "raise spark.rpc.message.maxSize (MiB)",
    ),
    (
        r"(Total size of serialized results [^\n]*is bigger than[^\n]*)",
        ParameterError,
        "raise spark.driver.maxResultSize",
    ),
    (
        r"((?:ExecutorLostFailure|Python worker exited unexpectedly|OutOfMemoryError)[^\n]*)",
        NotReadyError,
        "executors died again and again, most often for want of memory, of which Python's is "
        "beside spark.executor.memory: raise spark.executor.memoryOverhead",
    ),
)
"""(what Spark's text has, the kind of error, the remedy), the surest first."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn what Spark raises in the block into an error on one line.

    Raises:
        ParameterError: the executors are not fit for this work, or a limit is too low.
        NotReadyError: executors died again and again, or the session ended.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise fault(str(error)) from error


def fault(text: str) -> KanariaError:
    """Return the error for what Spark said. Pure."""
    for pattern, kind, remedy in _CAUSES:
        if match := re.search(pattern, text):
            return kind(f"Spark: {_line(match.group(1))}; {remedy}")
    return NotReadyError(f"Spark: {_line(_cause(text))}")


def _cause(text: str) -> str:
    """Return the line that says most: the last of a Python traceback, else Java's last cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told_by_python = [
        line for line in lines if re.match(r"[A-Za-z_.]+(Error|Exception|Interrupt)\b", line)
    ]
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (causes[-1:] or told_by_python[-1:] or lines[-1:] or ["it gave no reason"])[0]


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else shown(text, LONGEST)

"""The private names of PySpark that a session needs. PySpark is imported when they are used."""

from typing import Any


def close(context: Any) -> None:
    """End the session and its JVM, whose settings a later session would inherit."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    context.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


def executor_count(context: Any) -> int:
    """Return how many executors have come so far; the driver is not one of them."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1

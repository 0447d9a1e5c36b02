"""The engine of a Spark cluster: the same accumulators, a task a partition.

Spark's own treeReduce adds states up in the order in which they arrive; here a state carries the
number of its first partition, so that they are merged in the order of the rows, whichever worker
was slow or died. Only `spark_session` makes sessions.
"""

import logging
import os
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from kanaria.components.shared.engines import accumulate, shipped_partitions, spark_faults
from kanaria.components.shared.engines.accumulate import NEIGHBOURS, Pass
from kanaria.components.shared.engines.shipped_partitions import Parcel
from kanaria.components.shared.errors import DataError, KanariaError

Partition = TypeVar("Partition")
Result = TypeVar("Result")

LOGGER = logging.getLogger(__name__)
SHIPPED_AT_ONCE = 256 * 2**20
"""Bytes of files that are on their way at a time: the driver's JVM holds them."""
MESSAGE_MIB = 128
"""Spark's own spark.rpc.message.maxSize: the most that a task may be."""
MIB = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """An error of the work, which the driver raises as it is: trying again would not mend it."""

    error: Exception


class SparkEngine:
    """Does the work on the executors of a Spark session."""

    def __init__(self, context: Any) -> None:
        """Take the session's `pyspark.SparkContext`, which the caller stops."""
        self._context = context

    def states(self, work: Pass, partitions: Sequence[Any]) -> list[Any]:
        """Return the merged state of each accumulator of `work` over all partitions, in order.

        Raises:
            DataError: a partition is too large to be sent to executors that do not see its files.
            NotReadyError: executors died again and again.
            ParameterError: the executors are no Kanaria's, or of another Python.
        """
        if self._are_shipped(partitions):
            of_one = partial(accumulate.of_partition, work)
            return accumulate.merged(work, self._shipped(of_one, partitions))
        return accumulate.merged(work, self._tree(work, partitions))

    def each(
        self, work: Callable[[Partition], Result], partitions: Sequence[Partition]
    ) -> list[Result]:
        """Return what `work` returns for each partition, in their order.

        Raises:
            As `states` does.
        """
        if self._are_shipped(partitions):
            return list(self._shipped(work, partitions))
        if not partitions:
            return []
        tasks = self._numbered(partitions).mapPartitionsWithIndex(partial(_results, work))
        return _values(_collected(tasks))

    def _numbered(self, values: Sequence[Any]) -> Any:
        """Return (number, value) for each value, each a partition of Spark's."""
        return self._context.parallelize(list(enumerate(values)), len(values))

    def _tree(self, work: Pass, partitions: Sequence[Any]) -> list[Any]:
        """Return at most eight groups' states in their order, merged by the executors."""
        count = len(partitions)
        if not count:
            return []
        of_one = partial(accumulate.of_partition, work)
        states = self._numbered(partitions).mapPartitionsWithIndex(partial(_results, of_one))
        while count > NEIGHBOURS:
            count = -(-count // NEIGHBOURS)
            states = states.map(_to_group).groupByKey(count).map(partial(_merged_group, work))
        return _values(_collected(states))

    def _are_shipped(self, partitions: Sequence[Any]) -> bool:
        """Tell whether the executors get the files with their tasks, since they do not see them."""
        marks = [mark for partition in partitions for mark in _marks(partition)]
        if not marks:
            return False
        width = max(self._context.defaultParallelism, 1)
        looks = self._context.parallelize(range(4 * width), 4 * width).map(partial(_missing, marks))
        missing = [name for name in _collected(looks) if name]
        if missing:
            LOGGER.info("Executors do not see %s; files go with their tasks.", missing[0])
        return bool(missing)

    def _shipped(self, work: Callable[[Any], Any], partitions: Sequence[Any]) -> Iterator[Any]:
        """Yield what the work returns of each partition, in order, with files sent both ways."""
        for parcels in _waves(partitions, self._largest()):
            tasks = self._numbered(parcels).mapPartitionsWithIndex(
                partial(_results, partial(_worked, work))
            )
            for returned in _values(_collected(tasks)):
                yield shipped_partitions.unpacked(returned)

    def _largest(self) -> int:
        """Return the bytes of files that one task may carry; a tenth is left for all else."""
        limit = self._context.getConf().get("spark.rpc.message.maxSize", str(MESSAGE_MIB))
        return int(limit) * MIB * 9 // 10


def _worked(work: Callable[[Any], Any], parcel: Parcel) -> shipped_partitions.Returned:
    return shipped_partitions.worked(work, parcel)


def _waves(partitions: Sequence[Any], largest: int) -> Iterator[list[Parcel]]:
    """Yield the parcels of neighbours, few enough to be on their way at once."""
    wave: list[Parcel] = []
    held = 0
    for partition in partitions:
        parcel = shipped_partitions.packed(partition)
        size = shipped_partitions.size(parcel)
        _check_size(partition, size, largest)
        if wave and held + size > SHIPPED_AT_ONCE:
            yield wave
            wave, held = [], 0
        wave.append(parcel)
        held += size
    if wave:
        yield wave


def _check_size(partition: Any, size: int, largest: int) -> None:
    if size > largest:
        raise DataError(
            f"{shipped_partitions.paths(partition)[0]}: {size // MIB} MiB in one partition, "
            f"and a task that carries its files holds {largest // MIB}; mount one volume on the "
            "step and on the executors, or raise spark.rpc.message.maxSize (MiB, "
            f"{MESSAGE_MIB} by default)"
        )


def _marks(partition: Any) -> list[tuple[str, int, int]]:
    """Return path, bytes and time of change of all that a partition reads."""
    paths = [path for path in shipped_partitions.paths(partition) if path.exists()]
    return [(str(path), *_identity(path)) for path in paths]


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _missing(marks: Sequence[tuple[str, int, int]], _: int) -> str:
    """Return the first path that is not the same here, or ""; runs on an executor."""
    return next((name for name, *identity in marks if not _is_here(Path(name), identity)), "")


def _is_here(path: Path, identity: Sequence[int]) -> bool:
    """Tell whether the path can be read here and is what the driver has there."""
    mode = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    return os.access(path, mode) and list(_identity(path)) == list(identity)


def _results(
    work: Callable[[Any], Any], _: int, values: Iterator[tuple[int, Any]]
) -> Iterator[tuple[int, Any]]:
    """Yield (number, what the work returns of its partition); runs on an executor."""
    for number, partition in values:
        yield number, _tried(work, partition)


def _tried(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the work returns, or its error; what another try may mend Spark is told."""
    try:
        return work(*arguments)
    except (OSError, MemoryError):
        raise
    except KanariaError as error:
        return Failed(error=error)
    except Exception as error:  # noqa: BLE001  The driver raises it.
        error.add_note(f"On an executor of Spark:\n{traceback.format_exc()}")
        return Failed(error=_portable(error))


def _portable(error: Exception) -> Exception:
    """Return the error, or its words where pickle cannot carry it to the driver."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  Our own bytes.
    except (TypeError, AttributeError, ValueError, pickle.PicklingError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _to_group(numbered: tuple[int, Any]) -> tuple[int, tuple[int, Any]]:
    return numbered[0] // NEIGHBOURS, numbered


def _merged_group(work: Pass, group: tuple[int, Any]) -> tuple[int, Any]:
    """Return the group's number and its merged states; runs on an executor."""
    number, members = group
    states = [state for _, state in sorted(members, key=itemgetter(0))]
    failed = next((state for state in states if isinstance(state, Failed)), None)
    return number, failed or _tried(accumulate.neighbours, work, states)


def _collected(tasks: Any) -> list[Any]:
    with spark_faults.translated():
        return list(tasks.collect())


def _values(numbered: Sequence[tuple[int, Any]]) -> list[Any]:
    """Return the values in the order of their numbers; the first failed one is raised."""
    values = [value for _, value in sorted(numbered, key=itemgetter(0))]
    for value in values:
        if isinstance(value, Failed):
            raise value.error
    return values

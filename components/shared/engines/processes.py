"""The engine of several processes of this machine, each with partitions of its own.

The processes are fresh ones that import what the work needs: a fork of a process that has loaded
TensorFlow may hang. So they pay only where there is much work for each.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from kanaria.components.shared.engines import accumulate
from kanaria.components.shared.engines.accumulate import Pass
from kanaria.components.shared.errors import NotReadyError

Partition = TypeVar("Partition")
Result = TypeVar("Result")


class ProcessEngine:
    """Does the work in processes of this machine; `close` ends them."""

    def __init__(self, workers: int) -> None:
        """Take the number of processes, at least 1; they start with the first work."""
        self._workers = workers

    def states(self, work: Pass, partitions: Sequence[Any]) -> list[Any]:
        """Return the merged state of each accumulator of `work` over all partitions, in order.

        Raises:
            NotReadyError: a process was killed, which is most often for want of memory.
        """
        return accumulate.merged(work, self._done(accumulate.of_partition, work, partitions))

    def each(
        self, work: Callable[[Partition], Result], partitions: Sequence[Partition]
    ) -> list[Result]:
        """Return what `work` returns for each partition, in their order.

        Raises:
            NotReadyError: a process was killed, which is most often for want of memory.
        """
        return list(self._done(_called, work, partitions))

    def _done(
        self, function: Callable[[Any, Any], Any], work: Any, partitions: Sequence[Any]
    ) -> Iterator[Any]:
        """Yield what the function returns of each partition, in their order, as they come."""
        # Arrays are handed over as they are: those that joblib maps from files cannot be written.
        pool = Parallel(n_jobs=self._workers, batch_size=1, return_as="generator", max_nbytes=None)
        try:
            yield from pool(delayed(function)(work, partition) for partition in partitions)
        except TerminatedWorkerError as error:
            raise NotReadyError(
                f"one of the {self._workers} processes that compute was killed, most often for "
                f"want of memory; give the step more, or set compute.workers below {self._workers}"
            ) from error

    def close(self) -> None:
        """End the processes."""
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _called(work: Callable[[Any], Any], partition: Any) -> Any:
    return work(partition)

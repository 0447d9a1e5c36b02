"""The engine of one process: partitions one after the other, memory of one batch."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kanaria.components.shared.engines import accumulate
from kanaria.components.shared.engines.accumulate import Pass

Partition = TypeVar("Partition")
Result = TypeVar("Result")


class LocalEngine:
    """Does all work in this process."""

    def states(self, work: Pass, partitions: Sequence[Any]) -> list[Any]:
        """Return the merged state of each accumulator of `work` over all partitions, in order."""
        return accumulate.merged(work, (accumulate.of_partition(work, one) for one in partitions))

    def each(
        self, work: Callable[[Partition], Result], partitions: Sequence[Partition]
    ) -> list[Result]:
        """Return what `work` returns for each partition, in their order."""
        return [work(partition) for partition in partitions]

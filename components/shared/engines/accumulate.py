"""What a step computes over its data: accumulators over batches, partition by partition.

Everything that goes to an engine must be picklable (functions and classes of modules, no
closures): another process, or another machine, may do the work.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Partition = TypeVar("Partition", contravariant=True)
Result = TypeVar("Result")


class Accumulator(Protocol):
    """One computation over batches of rows, in Beam's four words; states are picklable."""

    def create(self) -> Any:
        """Return the state of no rows."""

    def add(self, state: Any, batch: Any) -> Any:
        """Return the state with the rows of one more batch; `state` itself may change."""

    def merge(self, states: Sequence[Any]) -> Any:
        """Return the state of all rows of one or more states, given in the order of their rows."""

    def extract(self, state: Any) -> Any:
        """Return the result of a state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """One pass over the data.

    Attributes:
        read: partition -> its batches, in the order of the rows.
        accumulators: each is given every batch.
    """

    read: Callable[[Any], Iterable[Any]]
    accumulators: tuple[Accumulator, ...]


class Engine(Protocol):
    """Where the work on partitions is done."""

    def states(self, work: Pass, partitions: Sequence[Any]) -> list[Any]:
        """Return the merged state of each accumulator of `work` over all partitions, in order."""

    def each(
        self, work: Callable[[Partition], Result], partitions: Sequence[Partition]
    ) -> list[Result]:
        """Return what `work` returns for each partition, in their order."""


def of_partition(work: Pass, partition: Any) -> list[Any]:
    """Return the state of each accumulator of `work` over the batches of one partition."""
    states = [accumulator.create() for accumulator in work.accumulators]
    for batch in work.read(partition):
        pairs = zip(work.accumulators, states, strict=True)
        states = [accumulator.add(state, batch) for accumulator, state in pairs]
    return states


def merged(work: Pass, parts: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the merged state of each accumulator from the states of several partitions."""
    columns = zip(work.accumulators, zip(*parts, strict=True), strict=True)
    return [accumulator.merge(states) for accumulator, states in columns]

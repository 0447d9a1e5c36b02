"""What a step computes over its data: accumulators over batches, partition by partition.

Everything that goes to an engine must be picklable (functions and classes of modules, no
closures): another process, or another machine, may do the work.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Partition = TypeVar("Partition", contravariant=True)
Result = TypeVar("Result")

NEIGHBOURS = 8
"""Neighbouring states that are merged at once, in every engine."""


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


def neighbours(work: Pass, parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return the merged state of each accumulator from those of neighbouring partitions."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(work.accumulators, zip(*parts, strict=True), strict=True)
    return [accumulator.merge(states) for accumulator, states in columns]


def merged(work: Pass, parts: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the merged state of each accumulator from the states of all partitions in order.

    Sums of floats depend on how they are grouped, so the groups depend on nothing but the number
    of partitions: eight neighbours, then eight of these groups, and so on. An engine that merges
    elsewhere keeps to the same groups, and equal partitions give equal bits everywhere.

    Args:
        work: the pass that the states are of.
        parts: the states of each partition, in the order of the rows; of thousands of partitions
            a few dozen are held at a time.
    """
    levels: list[list[Sequence[Any]]] = [[]]
    for part in parts:
        _take(work, levels, part)
    carried: list[Sequence[Any]] = []
    for level in levels:
        group = [*level, *carried]
        carried = [neighbours(work, group)] if group else []
    return list(carried[0]) if carried else [one.create() for one in work.accumulators]


def _take(work: Pass, levels: list[list[Sequence[Any]]], states: Sequence[Any]) -> None:
    """Put one partition's states beside their neighbours, and merge the groups that are full."""
    for level in levels:
        level.append(states)
        if len(level) < NEIGHBOURS:
            return
        states = neighbours(work, level)
        level.clear()
    levels.append([states])

"""Work of tests that other processes import by this name."""

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.engines.accumulate import Pass
from kanaria.components.shared.errors import DataError


@dataclass(frozen=True)
class Rows:
    """A partition: numbers, and how the work on it goes."""

    values: tuple[float, ...]
    seconds: float = 0.0
    started: str = ""


def partitions(count: int, **how: Any) -> list[Rows]:
    numbers = random.Random(count)
    return [
        Rows(tuple(numbers.uniform(-1, 1) * 10 ** numbers.randint(-9, 9) for _ in range(7)), **how)
        for _ in range(count)
    ]


class Sum:
    """Adds floats up, so that the order and the groups of additions show in the last digits."""

    def create(self) -> float:
        return 0.0

    def add(self, state: float, batch: Sequence[float]) -> float:
        for value in batch:
            state += value
        return state

    def merge(self, states: Sequence[float]) -> float:
        total = states[0]
        for state in states[1:]:
            total += state
        return total

    def extract(self, state: float) -> float:
        return state


class InOrder(Sum):
    """Keeps the rows as they come."""

    def create(self) -> Any:
        return ()

    def add(self, state: Any, batch: Sequence[float]) -> Any:
        return (*state, *batch)

    def merge(self, states: Sequence[Any]) -> Any:
        return tuple(value for state in states for value in state)


class Processes(InOrder):
    """Keeps the processes that read the batches, and the processes that started those."""

    def add(self, state: Any, _batch: Sequence[float]) -> Any:
        return (*state, (os.getpid(), os.getppid()))


class Refusing(Sum):
    """Finds the data wrong."""

    def add(self, state: float, batch: Sequence[float]) -> float:
        if min(batch) < 0:
            raise DataError(f"row {min(batch)}: below 0")
        return super().add(state, batch)


def batches(partition: Rows) -> Iterator[Sequence[float]]:
    if partition.started:
        Path(partition.started).joinpath(str(partition.values[0])).touch()
    time.sleep(partition.seconds)
    half = len(partition.values) // 2
    yield from (part for part in (partition.values[:half], partition.values[half:]) if part)


SUMS = Pass(read=batches, accumulators=(Sum(), InOrder()))
REFUSED = Pass(read=batches, accumulators=(Refusing(),))
READERS = Pass(read=batches, accumulators=(Processes(),))


def halved(partition: Rows) -> float:
    return partition.values[0] / 2


def ratio(partition: Rows) -> float:
    return 1 / partition.values[0]


@dataclass(frozen=True)
class Copying:
    """A partition of files: what is read, and where its copy in capitals goes."""

    source: Path
    target: Path


def copied(partition: Copying) -> tuple[str, Path, str]:
    text = partition.source.read_text()
    partition.target.write_text(text.upper())
    return text, partition.target, f"{partition.source}"


def killed(_partition: Rows) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

"""Shapley values by their definition: every coalition of every feature, with nothing shared."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import factorial
from typing import Any


def coalitions(players: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(len(players) + 1):
        yield from combinations(players, size)


def shapley(
    background: Sequence[Sequence[Any]], row: Sequence[Any], answer: Callable[[list[Any]], float]
) -> tuple[float, list[float]]:
    """Return the base value and the value of each feature.

    Args:
        background: rows of values of any kind.
        row: the explained one.
        answer: the model on one row.
    """

    def worth(coalition: tuple[int, ...]) -> float:
        mixed = [
            [row[place] if place in coalition else other[place] for place in range(len(row))]
            for other in background
        ]
        return sum(map(answer, mixed)) / len(mixed)

    players = range(len(row))
    values = []
    for player in players:
        others = [other for other in players if other != player]
        values.append(
            sum(
                factorial(len(coalition))
                * factorial(len(others) - len(coalition))
                / factorial(len(row))
                * (worth((*coalition, player)) - worth(coalition))
                for coalition in coalitions(others)
            )
        )
    return worth(()), values

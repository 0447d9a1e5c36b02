"""Where the tasks of a run stand in its graph: layers from top to bottom, and the edges. Pure.

After Sugiyama, Tagawa and Toda (1981), "Methods for visual understanding of hierarchical system
structures": each task stands below all that it waits for, an edge that passes layers bends around
what stands there, and the neighbours of a layer are ordered by the means of their neighbours.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
"""Times that the layers are ordered, downwards and upwards in turn; few graphs change later."""
APART, BEND = 1.0, 0.3
"""Columns from a task's middle to the next one's, and what an edge takes that passes between."""
Spot = tuple[str, str, int]
"""A task ("", name, layer), or an edge (from, to, layer) that passes a layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """The places of tasks and edges, in widths and heights of a task.

    Attributes:
        places: task -> (column, layer), from (0, 0); columns are those of the tasks' middles.
        edges: for each edge the places it goes through, from one task's to the other's.
        columns: how wide it is.
        layers: how high it is.
    """

    places: Mapping[str, tuple[float, int]]
    edges: Sequence[Sequence[tuple[float, int]]]
    columns: float
    layers: int


def without_shortcuts(after: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return task -> what it waits for, without what it waits for through another of these.

    Args:
        after: task -> all it waits for, each task below those; names that are no task are left out.
    """
    above: dict[str, set[str]] = {}
    direct: dict[str, list[str]] = {}
    for task, names in after.items():
        before = [name for name in dict.fromkeys(names) if name in above]
        through = set().union(*(above[name] for name in before))
        direct[task] = [name for name in before if name not in through]
        above[task] = through.union(before)
    return direct


def of(after: Mapping[str, Collection[str]]) -> Graph:
    """Return the graph of tasks.

    Args:
        after: task -> all it waits for, in an order in which they can run.
    """
    direct = without_shortcuts(after)
    depth: dict[str, int] = {}
    for task, names in direct.items():
        depth[task] = 1 + max((depth[name] for name in names), default=-1)
    chains = [_chain(name, task, depth) for task, names in direct.items() for name in names]
    layers = _layers(depth, chains)
    columns = _columns(layers, chains)
    places = {name: (columns["", name, layer], layer) for name, layer in depth.items()}
    return Graph(
        places=places,
        edges=[[(columns[spot], spot[2]) for spot in chain] for chain in chains],
        columns=1 + max(columns.values(), default=0.0),
        layers=len(layers),
    )


def _chain(begin: str, end: str, depth: Mapping[str, int]) -> list[Spot]:
    """Return the spots of an edge, one a layer."""
    passed = range(depth[begin] + 1, depth[end])
    return [
        ("", begin, depth[begin]),
        *((begin, end, layer) for layer in passed),
        ("", end, depth[end]),
    ]


def _layers(depth: Mapping[str, int], chains: Sequence[Sequence[Spot]]) -> list[list[Spot]]:
    """Return the spots of each layer in an order with few crossings."""
    layers: list[list[Spot]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for name, layer in depth.items():
        layers[layer].append(("", name, layer))
    for chain in chains:
        for spot in chain[1:-1]:
            layers[spot[2]].append(spot)
    upper, lower = _neighbours(chains)
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        for spots in layers if is_down else reversed(layers):
            _order(spots, layers, upper if is_down else lower)
    return layers


def _neighbours(
    chains: Sequence[Sequence[Spot]],
) -> tuple[dict[Spot, list[Spot]], dict[Spot, list[Spot]]]:
    """Return spot -> its neighbours in the layer above, and those in the layer below."""
    upper: dict[Spot, list[Spot]] = {}
    lower: dict[Spot, list[Spot]] = {}
    for chain in chains:
        for above, below in pairwise(chain):
            upper.setdefault(below, []).append(above)
            lower.setdefault(above, []).append(below)
    return upper, lower


def _order(
    layer: list[Spot], layers: Sequence[Sequence[Spot]], beside: Mapping[Spot, Sequence[Spot]]
) -> None:
    """Sort a layer by the means of its neighbours' places; one without any stays where it is."""
    own = {spot: place for place, spot in enumerate(layer)}
    near = {spot[2] for spots in map(beside.get, layer) for spot in spots or ()}
    places = {spot: place for number in near for place, spot in enumerate(layers[number])}

    def mean(spot: Spot) -> float:
        spots = beside.get(spot)
        return sum(places[each] for each in spots) / len(spots) if spots else own[spot]

    layer.sort(key=mean)


def _columns(
    layers: Sequence[Sequence[Spot]], chains: Sequence[Sequence[Spot]]
) -> dict[Spot, float]:
    """Return the column of each spot: near its neighbours', at least 1 from the next."""
    columns = {
        spot: column
        for layer in layers
        for spot, column in zip(layer, _apart([0.0] * len(layer), _steps(layer)), strict=True)
    }
    upper, lower = _neighbours(chains)
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        beside = upper if is_down else lower
        for layer in layers if is_down else reversed(layers):
            wanted = [_mean(spot, columns, beside) for spot in layer]
            columns.update(zip(layer, _apart(wanted, _steps(layer)), strict=True))
    least = min((columns[spot] for layer in layers for spot in layer), default=0.0)
    return {spot: column - least for spot, column in columns.items()}


def _mean(
    spot: Spot, columns: Mapping[Spot, float], beside: Mapping[Spot, Sequence[Spot]]
) -> float:
    spots = beside.get(spot)
    return sum(columns[each] for each in spots) / len(spots) if spots else columns[spot]


def _steps(layer: Sequence[Spot]) -> list[float]:
    """Return how far each spot of a layer is at least from the one before it."""
    widths = [BEND if spot[0] else APART for spot in layer]
    return [(one + two) / 2 for one, two in pairwise(widths)]


def _apart(wanted: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Return columns near those wanted, each at least its step right of the one before it."""
    right, left = list(wanted), list(wanted)
    for place, step in enumerate(steps, 1):
        right[place] = max(right[place], right[place - 1] + step)
    for place in range(len(steps) - 1, -1, -1):
        left[place] = min(left[place], left[place + 1] - steps[place])
    return [(one + two) / 2 for one, two in zip(right, left, strict=True)]

"""Tasks below those they wait for, no two on one place, and edges past what is between."""

import itertools

import pytest

from kanaria.pipelines.local.run_page import task_graph

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]}
LONG = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["a", "d"], "f": ["a"], "g": ["f", "e"]}
SHAPES = [DIAMOND, LONG, {"a": []}, {"a": [], "b": []}, {str(n): ["0"] for n in range(1, 9)}]


def test_a_shortcut_past_another_edge_is_left_out():
    assert task_graph.without_shortcuts(DIAMOND)["d"] == ["b", "c"]
    assert task_graph.without_shortcuts({"a": ["gone", "a"], "b": ["a", "a"]}) == {
        "a": [],
        "b": ["a"],
    }


@pytest.mark.parametrize("after", SHAPES)
def test_a_task_stands_below_all_that_it_waits_for(after: dict[str, list[str]]):
    places = task_graph.of(after).places
    assert all(
        places[task][1] > places[name][1] for task in after for name in after[task] if name in after
    )


@pytest.mark.parametrize("after", SHAPES)
def test_tasks_of_a_layer_stand_apart_and_within_the_graph(after: dict[str, list[str]]):
    graph = task_graph.of(after)
    for (one, layer), (two, other) in itertools.combinations(graph.places.values(), 2):
        assert layer != other or abs(one - two) >= 1 - 1e-9
    assert all(0 <= column <= graph.columns - 1 for column, _ in graph.places.values())
    assert graph.layers == len({layer for _, layer in graph.places.values()})


def test_an_edge_goes_through_every_layer_and_past_the_tasks_of_it():
    after = {"a": [], "b": ["a"], "c": ["b"], "x": [], "d": ["c", "x"]}
    graph = task_graph.of(after)
    (long,) = [edge for edge in graph.edges if len(edge) > 2]
    assert [layer for _, layer in long] == [0, 1, 2, 3]
    for column, layer in long[1:-1]:
        tasks = [place for place, other in graph.places.values() if other == layer]
        assert all(abs(column - place) > 0.5 for place in tasks)


def test_tasks_in_a_row_stand_right_below_each_other():
    after = {str(n): [str(n - 1)] if n else [] for n in range(12)}
    assert {column for column, _ in task_graph.of(after).places.values()} == {0.0}


def test_no_task_gives_an_empty_graph():
    assert task_graph.of({}).layers == 0

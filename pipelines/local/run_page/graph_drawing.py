"""The graph of a run's tasks as SVG: state, seconds and edges; each task leads to its row. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from kanaria.components.shared.html_report.cells import cut
from kanaria.components.shared.html_report.markup import Markup
from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.record import RunRecord, TaskRecord
from kanaria.pipelines.local.run_page import task_graph
from kanaria.pipelines.local.run_page.task_graph import Graph
from kanaria.pipelines.local.run_page.task_marks import anchor, mark
from kanaria.pipelines.local.summary import short

WIDTH, HEIGHT = 158, 40
"""Of a task, in pixels."""
COLUMN, LAYER = 168, 62
"""From a task's middle to the next one's, and from its top to that of the one below."""
MOST_NAME, MOST_TITLE = 20, 300
EDGE_OF_PAGE = 2
LEAST_SCALE = 0.75
"""Of the graph on a narrow page; what is wider still is scrolled."""


@lru_cache(maxsize=4)
def _graph(after: Sequence[tuple[str, Sequence[str]]]) -> Graph:
    """Return the graph, which stays as it is while a run goes on."""
    return task_graph.of(dict(after))


def drawing(run: RunRecord) -> Markup:
    """Return the graph; nothing where no task waits for another, as in records of before."""
    graph = _graph(tuple((task.name, tuple(task.after)) for task in run.tasks))
    if not graph.edges:
        return Markup("")
    width = COLUMN * (graph.columns - 1) + WIDTH + 2 * EDGE_OF_PAGE
    height = LAYER * (graph.layers - 1) + HEIGHT + 2 * EDGE_OF_PAGE
    lines = "".join(_edge(edge) for edge in graph.edges)
    tasks = "".join(
        _task(task, run, place, *graph.places[task.name]) for place, task in enumerate(run.tasks)
    )
    return Markup(
        f'<div class="scroll graph"><svg viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="width:{width:.0f}px;min-width:{LEAST_SCALE * width:.0f}px" role="group" '
        f'aria-label="Graph of the tasks; the table below says the same">{lines}{tasks}</svg></div>'
    )


def _middle(column: float) -> float:
    return EDGE_OF_PAGE + WIDTH / 2 + COLUMN * column


def _top(layer: int) -> float:
    return EDGE_OF_PAGE + LAYER * layer


def _edge(spots: Sequence[tuple[float, int]]) -> str:
    """Return a line from the foot of a task to the head of another, past what is between."""
    column, layer = spots[0]
    path = f"M{_middle(column):.1f} {_top(layer) + HEIGHT:.1f}"
    for column_before, (column, layer) in zip((spot[0] for spot in spots), spots[1:], strict=False):
        begin, end = _top(layer - 1) + HEIGHT, _top(layer)
        half = (begin + end) / 2
        path += f"V{begin:.1f}C{_middle(column_before):.1f} {half:.1f} {_middle(column):.1f} "
        path += f"{half:.1f} {_middle(column):.1f} {end:.1f}"
    return f'<path d="{path}"/>'


def _task(task: TaskRecord, run: RunRecord, place: int, column: float, layer: int) -> str:
    state, name = mark(task, run), short(task)
    said = f"{state.word}, {stopwatch(task.seconds)}" if task.seconds else state.word
    title = f"{task.name}: {said}" + (f"\n{cut(task.cause, MOST_TITLE)}" if task.cause else "")
    left, top = _middle(column) - WIDTH / 2, _top(layer)
    return (
        f'<a href="#{anchor(place)}"><g class="{state.css}" '
        f'transform="translate({left:.1f} {top:.1f})"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="10" y="26" class="sign">{state.sign}</text>'
        f'<text x="32" y="17" class="name">{escape(cut(name, MOST_NAME))}</text>'
        f'<text x="32" y="32">{escape(said)}</text></g></a>'
    )

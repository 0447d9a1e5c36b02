"""How a task's state is said and marked: by a word and a sign, besides its colour. Pure."""

from dataclasses import dataclass

from kanaria.pipelines.local.record import RunRecord, State, TaskRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What is shown of a state.

    Attributes:
        sign: one character.
        word: the state.
        css: classes of the page's style.
    """

    sign: str
    word: str
    css: str


MARKS = {
    State.SUCCEEDED: Mark(sign="✓", word="succeeded", css="good"),
    State.REUSED: Mark(sign="↺", word="reused", css="good again"),
    State.FAILED: Mark(sign="✕", word="failed", css="bad"),
    State.RUNNING: Mark(sign="▸", word="running", css="warn"),
    State.SKIPPED: Mark(sign="⊘", word="skipped", css="note idle"),
    State.PENDING: Mark(sign="○", word="pending", css="note idle"),
}
NOT_RUN = Mark(sign="○", word="not run", css="note idle")


def mark(task: TaskRecord, run: RunRecord) -> Mark:
    """Return the mark of a task; one that waited when the run ended was not run."""
    waits = task.state is State.PENDING and run.state is not State.RUNNING
    return NOT_RUN if waits else MARKS[task.state]


def anchor(place: int) -> str:
    """Return the name of the place on the page where the task of this number is told."""
    return f"task-{place}"

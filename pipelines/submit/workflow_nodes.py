"""What a run's task list says beside the pipeline's tasks: nodes of the workflow engine. Pure.

KFP 2.17.0 lists the nodes of its Argo Workflow. A step `train-model` is three of them, tied to each
other by nothing but their times:

    train-model-driver   the pod that looks for an earlier result and prepares the step's pod
    train-model          from then on until the step has ended
    executor             the step's pod itself; SKIPPED when an earlier result was taken

`root`, `root-driver`, the Workflow's own name and `executor(0)` of a step with retries are others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EPOCH_YEAR = 1970
"""The server writes a time that is not known yet as the first second of 1970."""
AT_ONCE_SECONDS = 2.0
"""A step whose result was there has ended so soon; its pod alone would take longer to start."""
EXECUTOR, DRIVER = "executor", "-driver"
ENGINE = re.compile(r"executor(\(\d+\))?|root|.*-driver|.*-iterations?(\(.*\))?")
WAITS = ("PENDING",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Name of a node on the server -> what it is called here, for all nodes that are shown.

    A branch holds steps and is shown only when it was skipped, since its steps then never appear.
    `judges` are the nodes that write an outcome; `is_complete` is False where the server no
    longer has the pipeline: then every node is shown that is none of the engine's.
    """

    steps: Mapping[str, str]
    branches: Mapping[str, str]
    judges: tuple[str, ...] = ()
    is_complete: bool = True

    def of(self, node: str | None, skipped: bool) -> str:
        """Return the name to show, "" for what is not shown."""
        node = node or ""
        if not self.is_complete:
            return "" if ENGINE.fullmatch(node) else node
        return self.steps.get(node) or (self.branches.get(node, "") if skipped else "")

    def never_ran(self, nodes: Sequence[str]) -> list[str]:
        """Return the names of the steps that are not among the nodes that the server has."""
        names = {name for node, name in self.steps.items() if node in nodes}
        left = [name for name in self.steps.values() if name not in names]
        return list(dict.fromkeys(left))


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Something of a run that waits for its pod: the names of the step it may be, since when."""

    names: tuple[str, ...]
    since: datetime


def is_workflow(detail: Any) -> bool:
    """Tell whether an entry is the Workflow itself: nodes are called after it and numbered."""
    own = re.compile(re.escape(detail.display_name or "") + r"-\d+")
    return any(own.fullmatch(child.pod_name or "") for child in detail.child_tasks or [])


def _times(detail: Any) -> tuple[float, float] | None:
    start, end = detail.start_time, detail.end_time
    if start is None or start.year <= EPOCH_YEAR or end is None or end.year <= EPOCH_YEAR:
        return None
    return start.timestamp(), end.timestamp()


def is_cached(detail: Any, details: Sequence[Any]) -> bool:
    """Tell whether a step took an earlier result: it ended at once, as its executor was skipped."""
    times = _times(detail)
    if detail.state != "SUCCEEDED" or times is None or times[1] - times[0] > AT_ONCE_SECONDS:
        return False
    skipped = [d for d in details if d.display_name == EXECUTOR and d.state == "SKIPPED"]
    starts = [d.start_time.timestamp() for d in skipped if d.start_time]
    return any(times[0] <= start <= times[1] for start in starts)


def _started(detail: Any) -> datetime | None:
    start = detail.start_time
    return start if start is not None and start.year > EPOCH_YEAR else None


def _waiting_step(detail: Any, details: Sequence[Any], names: Names) -> Waiting | None:
    """Return what waits behind a node that is PENDING, None for what is no pod."""
    since, node = _started(detail), detail.display_name or ""
    if detail.state not in WAITS or since is None:
        return None
    if node.endswith(DRIVER):
        step = node.removesuffix(DRIVER)
        return Waiting(
            names=(names.of(step, False) or names.branches.get(step, step),), since=since
        )
    if not node.startswith(EXECUTOR):
        return None
    running = [
        names.of(d.display_name, False)
        for d in details
        if d.state == "RUNNING" and (_started(d) or since) <= since
    ]
    return Waiting(names=tuple(dict.fromkeys(name for name in running if name)), since=since)


def waiting(run: Any, details: Sequence[Any], names: Names) -> tuple[Waiting, ...]:
    """Return what waits for a pod, each step once; a run without any node waits as a whole."""
    created = run.created_at
    if not details and run.state in (None, "", "PENDING", "RUNTIME_STATE_UNSPECIFIED"):
        is_timed = created is not None and created.year > EPOCH_YEAR
        return (Waiting(names=(), since=created),) if is_timed else ()
    steps = [one for d in details if (one := _waiting_step(d, details, names))]
    newest_first = sorted(steps, key=lambda one: one.since, reverse=True)
    return tuple({one.names: one for one in newest_first}.values())

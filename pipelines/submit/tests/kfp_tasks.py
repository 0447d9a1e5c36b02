"""What KFP 2.17.0 says of a run's tasks, and how runs are listed, ended and retried there.

A run's task list holds the nodes of its Argo Workflow: of a step the driver, the step, and its
executor, which is SKIPPED where an earlier result was taken and PENDING while its pod waits. No
node has an error, a pod's name, or its own id: `child_tasks` alone name nodes, those that follow.
"""

import json
from typing import Any

import yaml
from kfp_strict import RefusedError, check, invalid, not_found

Entry = dict[str, Any]
EPOCH = "1970-01-01T00:00:00Z"
START, END = "2026-01-31T06:00:00Z", "2026-01-31T06:00:12.500Z"
CANCELED_AT = "2026-01-31T06:00:05Z"
FINISHED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
NODES = {
    "CACHED": ("SUCCEEDED", "SUCCEEDED", "SKIPPED"),
    "WAITING": ("SUCCEEDED", "RUNNING", "PENDING"),
    "UNDRIVEN": ("FAILED", None, None),
    "UNPREPARED": ("PENDING", None, None),
    "PENDING": (None, "PENDING", None),
    "SKIPPED": ("SUCCEEDED", "SKIPPED", None),
}
"""What a test says of a step -> the states of its driver, of itself, and of its executor."""
PAGE = 2
OPERATIONS = {
    "EQUALS": lambda value, operand: value == operand,
    "NOT_EQUALS": lambda value, operand: value != operand,
    "IS_SUBSTRING": lambda value, operand: operand.lower() in value.lower(),
}
KEYS = ("run_id", "display_name", "storage_state", "recurring_run_id", "experiment_id", "state")


def node(number: int, name: str | None, state: str, now: str) -> Entry:
    """Return an entry of the task list; `number` is that of the node."""
    done = state in FINISHED
    start = START if done else now
    entry: Entry = {
        "task_id": f"task-{name}-{number}",
        "state": state,
        "start_time": EPOCH if state in ("", "SKIPPED") and name != "executor" else start,
        "create_time": start,
        "end_time": END if done else EPOCH,
        "state_history": [{"update_time": start, "state": state}],
        "child_tasks": [{"pod_name": f"flow-abcde-{number + 1}"}],
    }
    return entry | ({"display_name": name} if name is not None else {})


def nodes(tasks: dict[str, str], now: str) -> list[Entry]:
    """Return the task list of a run whose steps are in these states."""
    entries = [
        node(0, name, "SUCCEEDED", now) for name in ("flow-abcde", "root-driver", "root", None)
    ]
    for name, outcome in tasks.items():
        driver, own, executor = NODES.get(outcome, ("SUCCEEDED", outcome, outcome))
        states = {f"{name}-driver": driver, name: own, "executor": executor}
        step = [
            node(len(entries) + place, task, state, now)
            for place, (task, state) in enumerate(states.items())
            if state
        ]
        for entry in step:
            if outcome == "CACHED":
                entry["end_time"] = START
            if outcome in ("WAITING", "UNPREPARED"):
                entry["start_time"] = START
        entries += step
    return entries


def listed(runs: list[Entry], query: dict[str, str]) -> Entry:
    """Return a page of the runs as the server does, the newest first where that is asked for."""
    entries = [entry for entry in runs if fits(entry, query.get("filter", ""))]
    if query.get("sort_by") == "created_at desc":
        entries = entries[::-1]
    start = int(query.get("page_token") or 0)
    page: Entry = {"runs": entries[start : start + PAGE], "total_size": len(entries)}
    if start + PAGE < len(entries):
        page["next_page_token"] = str(start + PAGE)
    page = {key: value for key, value in page.items() if value}
    check("V2beta1ListRunsResponse", page, "answer")
    return page


def fits(entry: Entry, text: str) -> bool:
    """Tell whether a run fits all predicates of a filter."""
    for predicate in json.loads(text)["predicates"] if text else ():
        operation, key = predicate["operation"], predicate["key"]
        is_supported = operation in OPERATIONS and key in KEYS
        if not is_supported or set(predicate) != {"operation", "key", "stringValue"}:
            raise invalid(f"failed to parse valid filter from {text!r}")
        value = entry.get(key, "AVAILABLE" if key == "storage_state" else "")
        if not OPERATIONS[operation](value, predicate["stringValue"]):
            return False
    return True


def noted(entry: Entry, state: str) -> Entry:
    """Return a run after the persistence agent has reported this state."""
    history = entry.get("state_history", [])
    if not state or (history and history[-1]["state"] == state):
        return {**entry, "state": state} if state else entry
    time = CANCELED_AT if state == "CANCELING" else START
    return {
        **entry,
        "state": state,
        "finished_at": END if state in FINISHED else EPOCH,
        "state_history": [*history, {"update_time": time, "state": state}],
    }


def version(state: Any, pipeline_id: str, version_id: str) -> Entry:
    """Return a version with its pipeline; with settings of a platform, it lies one deeper."""
    stored = state.versions.get(version_id)
    if stored is None or stored["pipeline_id"] != pipeline_id:
        raise not_found("PipelineVersion", version_id)
    pipeline, *platform = yaml.safe_load_all(state.texts[version_id])
    both = {"pipeline_spec": pipeline, "platform_spec": platform[0]} if platform else pipeline
    return {**stored, "pipeline_spec": both}


class Ends:
    """What is done to runs; `frames` are what a run shows at its next looks, the last one stays."""

    def __init__(self) -> None:
        self.frames: dict[str, list[Any]] = {}
        self.gone: set[str] = set()

    def terminate(self, run: Entry, made: Any) -> Entry:
        if run.get("state") in FINISHED:
            raise invalid(f"Failed to terminate a run {run['run_id']}. Row not found")
        if run["run_id"] in self.gone:
            run["state"] = "CANCELING"
            self.frames[run["run_id"]] = [made("CANCELING")]
            raise RefusedError(
                500, 13, "Failed to terminate run due to error terminating its workflow"
            )
        stopped = made("FAILED", {"cook": "FAILED"})
        self.frames[run["run_id"]] = [made("CANCELING"), made("CANCELING"), stopped]
        return {}

    def retry(self, run: Entry, made: Any) -> Entry:
        if run.get("state") not in FINISHED:
            raise invalid(f"Cannot claim run {run['run_id']} for retry: not in a terminal state")
        if run["state"] == "SUCCEEDED":
            raise invalid("Workflow cannot be retried. Workflow must be Failed/Error to retry")
        self.frames[run["run_id"]] = [made("RUNNING"), made("SUCCEEDED", {"cook": "SUCCEEDED"})]
        return {}

    def orphan(self, run: Entry, made: Any) -> None:
        """Take a run's Workflow away, as the end of its schedule does: it says RUNNING for ever."""
        if run.get("state") not in FINISHED:
            self.gone.add(run["run_id"])
            self.frames[run["run_id"]] = [made("RUNNING")]

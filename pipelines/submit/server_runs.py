"""Runs on the server: found by id or name, waited for, cancelled, retried.

In a notebook:

    from kanaria.pipelines.submit import runs
    from kanaria.pipelines.submit.kfp_client import Server

    server = Server()
    run = runs.find(server, "nightly")   # an id or a name, or the beginning of one
    runs.wait(run, server)
"""

import html
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.artifacts import trigger_cause
from kanaria.components.shared.errors import KanariaError, NotReadyError, ParameterError
from kanaria.components.shared.one_line import one_line
from kanaria.pipelines.submit import failure_causes, pipeline_package, progress
from kanaria.pipelines.submit.kfp_client import HOME, Server
from kanaria.pipelines.submit.run_listing import ANSWER_SECONDS, UNKNOWN, one, took
from kanaria.pipelines.submit.run_snapshot import (
    FINISHED,
    Outcome,
    Snapshot,
    State,
    Task,
    ended,
    snapshot,
    state_of,
)
from kanaria.pipelines.submit.wait_reasons import Ask, Teller, failures, look, reasons
from kanaria.pipelines.submit.workflow_nodes import Names

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 300.0
"""How long a run is watched on while the server does not answer; the run itself goes on."""
CANCEL_SECONDS = 300.0
"""How long a run that was told to end is waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run on the server; a notebook shows its link.

    Attributes:
        run_id: the server's id of the run.
        run_name: its name in the UI.
        link: address of its page.
        pipeline: name of its pipeline, "" where the server has it no longer.
        pipeline_root: URI of the folder of artifacts, "" for the server's own.
        names: the pipeline's tasks, as the server and as people call them.
        trigger: what started it, in words, "" for a person or a schedule.
    """

    run_id: str
    run_name: str
    link: str
    pipeline: str
    pipeline_root: str
    names: Names = field(repr=False)
    trigger: str = ""

    def _repr_html_(self) -> str:
        link, name = html.escape(self.link), html.escape(self.run_name)
        return f'<a href="{link}" target="_blank">{name}</a>'


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a run ended.

    Attributes:
        outcome: see Outcome.
        seconds: how long it took; of waiting, where the server does not tell.
        failed: the tasks that failed by themselves, with causes and logs.
        cause: the run's own error, or "".
        verdicts: what judging steps did not let pass; why a failed run's cannot be read.
        never_ran: names of the steps that did not begin.
    """

    outcome: Outcome
    seconds: float
    failed: tuple[Task, ...]
    cause: str
    verdicts: tuple[str, ...] = ()
    never_ran: tuple[str, ...] = ()


def _run(server: Server, entry: Any, pipeline_root: str) -> Run:
    document = server.specification(entry)
    config = entry.runtime_config
    parameters = (config and config.parameters) or {}
    return Run(
        run_id=entry.run_id,
        run_name=one_line(entry.display_name or entry.run_id),
        link=server.link(entry.run_id),
        pipeline=str(document.get("pipelineInfo", {}).get("name", "")),
        pipeline_root=pipeline_root or (config and config.pipeline_root) or "",
        names=pipeline_package.names(document) if "root" in document else UNKNOWN,
        trigger=trigger_cause.in_words(parameters.get(trigger_cause.PARAMETER)),
    )


def find(server: Server, name: str = "", pipeline_root: str = "") -> Run:
    """Return the run with this id or name.

    Args:
        server: where to look.
        name: id or name, or the beginning of one that no other run has; "" for the newest run.
        pipeline_root: URI of the folder of artifacts, where the run does not name it itself.

    Raises:
        ParameterError: there is none, or several are meant; those are listed.
        NotReadyError: the server does not answer.
    """
    return _run(server, server.run(one(server, name), ANSWER_SECONDS), pipeline_root)


def _ask(run: Run, server: Server) -> Ask:
    """Return what asks the cluster of the kubeconfig, or around this pod, about a run's pods."""

    def ask() -> Mapping[str, str]:
        from kanaria.serving.kubernetes_api.client import KubernetesClient

        why_of_node = reasons(
            KubernetesClient.connect(patient=False), run.run_id, _home(run, server)
        )
        return {run.names.of(step, False) or step: why for step, why in why_of_node.items()}

    return ask


def _home(run: Run, server: Server) -> str:
    return server.home(server.run(run.run_id, ANSWER_SECONDS))


def teller(run: Run, server: Server) -> Teller:
    """Return what says why tasks of a run wait; see `waiting`."""

    def command() -> str:
        try:
            return look(run.run_id, _home(run, server))
        except KanariaError:  # It is told elsewhere, and a usual name helps as well.
            return look(run.run_id, server.namespace or HOME)

    return Teller(_ask(run, server), command)


def look_at(run: Run, server: Server) -> tuple[Snapshot, Finished | None]:
    """Return a run as it is now, and how it ended if it has.

    Raises:
        ParameterError: the server refuses the identity, or the run was deleted.
        NotReadyError: the server does not answer.
    """
    entry = server.run(run.run_id, ANSWER_SECONDS)
    now = snapshot(entry, run.names, datetime.now(UTC))
    outcome = ended(now.state, now.canceling)
    return now, outcome and _finished(run, server, now, outcome, took(entry, 0.0))


def failed(run: Run, server: Server, now: Snapshot) -> tuple[Task, ...]:
    """Return the tasks that failed by themselves, with causes and logs as far as they are known."""
    folder = failure_causes.place(run.pipeline_root, run.pipeline, run.run_id)
    tasks = failure_causes.of_tasks(folder, now.failed)
    if all(task.certain for task in tasks):
        return tasks
    said = _said_by_argo(run, server)
    return tuple(
        replace(task, cause=f"{task.cause}; Argo says: {said[task.node]}")
        if not task.certain and task.node in said
        else task
        for task in tasks
    )


def _said_by_argo(run: Run, server: Server) -> Mapping[str, str]:
    """Return step -> what the cluster's Workflow says of its failure; nothing out of reach."""
    from kanaria.serving.kubernetes_api.client import KubernetesClient

    try:
        cluster = KubernetesClient.connect(patient=False)
        return failures(cluster, run.run_id, _home(run, server))
    except KanariaError:  # The task's cause says already that it is not known, and where to look.
        return {}


def _finished(
    run: Run, server: Server, now: Snapshot, outcome: Outcome, seconds: float
) -> Finished:
    folder = failure_causes.place(run.pipeline_root, run.pipeline, run.run_id)
    judges = () if outcome is Outcome.CANCELED else run.names.judges
    verdicts, trouble = failure_causes.of_judges(folder, judges, now.tasks)
    if outcome is Outcome.FAILED and trouble:
        verdicts = (trouble,)
    tasks, cause = failed(run, server, now), now.cause
    if outcome is Outcome.FAILED and not (tasks or cause):
        said = _said_by_argo(run, server)
        cause = "; ".join(f"{step}: {why}" for step, why in said.items() if step)
        cause = cause or said.get("", "")
    nodes = [task.node for task in now.tasks if task.state is not State.PENDING]
    return Finished(
        outcome=outcome,
        seconds=seconds,
        failed=tasks,
        cause=cause,
        # A step that refuses what was judged says the verdict itself.
        verdicts=tuple(v for v in verdicts if not any(v in task.cause for task in tasks)),
        never_ran=tuple(run.names.never_ran(nodes)) if outcome is not Outcome.SUCCEEDED else (),
    )


def wait(
    run: Run,
    server: Server,
    *,
    show: Callable[[Snapshot], None] | None = None,
    poll_seconds: float = POLL_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    was_canceling: bool = False,
    most_seconds: float = float("inf"),
) -> Finished:
    """Wait until a run has ended.

    kfp's own `wait_for_run_completion` polls a CANCELED run for ever, gives up at the first 503,
    and cannot tell a cancelled run of KFP 2.17.0 from a failed one.

    Args:
        run: what `submit` or `find` returned.
        server: where it runs.
        show: called at every poll; by default prints each task that begins or ends, and why one
            that waits for half a minute does.
        poll_seconds: seconds between two looks.
        patience_seconds: seconds to go on without any answer.
        was_canceling: whether the run was told to end already.
        most_seconds: how long to wait at all.

    Returns:
        How it ended, with the causes of its failed tasks as far as their logs can be read.

    Raises:
        NotReadyError: the server stays away, or the time is over; the run may go on.
        ParameterError: the server refuses the identity, or the run was deleted.
    """
    show = show or progress.on(sys.stdout, teller(run, server))
    started = time.monotonic()
    while True:
        entry = server.run(run.run_id, patience_seconds)
        now = snapshot(entry, run.names, datetime.now(UTC), was_canceling)
        was_canceling = now.canceling
        show(now)
        waited = time.monotonic() - started
        outcome = ended(now.state, was_canceling)
        if outcome is not None:
            return _finished(run, server, now, outcome, took(entry, waited))
        if waited > most_seconds:
            raise NotReadyError(
                f"run {run.run_id} still says {now.state} after {round(waited)} s; its Workflow "
                "may be gone, as after a schedule was deleted: then the server never ends it"
            )
        time.sleep(poll_seconds)


def cancel(run: Run, server: Server, *, poll_seconds: float = POLL_SECONDS) -> Finished:
    """End a run, and wait until it has ended.

    Raises:
        ParameterError: it has ended already.
        NotReadyError: the server does not answer, or the run does not end.
    """
    state = _state(run.run_id, server)
    if state in FINISHED:
        raise ParameterError(
            f"run {run.run_id} has ended already ({state.value.lower()}): nothing to cancel"
        )
    return let_end(run, server, terminate=True, poll_seconds=poll_seconds)


def let_end(
    run: Run, server: Server, *, terminate: bool, poll_seconds: float = POLL_SECONDS
) -> Finished:
    """Wait until a run has ended, after telling it to if `terminate`; it may have ended already.

    Raises:
        NotReadyError: the server does not answer, or the run that was told to end does not.
    """
    if terminate and _state(run.run_id, server) not in (*FINISHED, State.CANCELING):
        try:
            server.terminate(run.run_id)
        except ParameterError:
            if _state(run.run_id, server) not in FINISHED:  # Else it was quicker.
                raise
    return wait(
        run,
        server,
        show=lambda _: None,
        poll_seconds=poll_seconds,
        was_canceling=terminate,
        most_seconds=CANCEL_SECONDS if terminate else float("inf"),
    )


def _state(run_id: str, server: Server) -> State:
    return state_of(server.run(run_id, ANSWER_SECONDS).state)


def retry(run: Run, server: Server) -> None:
    """Let a run that failed or was cancelled go on; what succeeded in it is not run again.

    Raises:
        ParameterError: it goes on still, or succeeded.
        NotReadyError: the server does not answer.
    """
    state = _state(run.run_id, server)
    if state not in (State.FAILED, State.CANCELED):
        instead = "submit it again" if state in FINISHED else "cancel it first, or wait"
        raise ParameterError(
            f"run {run.run_id} is {state.value.lower()}; only a run that failed or was cancelled "
            f"can be retried; {instead}"
        )
    server.retry(run.run_id)

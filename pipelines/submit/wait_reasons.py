"""Says why a step waits: after half a minute, and again rarely."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from kanaria.components.shared.errors import KanariaError, NotReadyError
from kanaria.components.shared.times import clock, duration
from kanaria.pipelines.submit import pod_problems
from kanaria.pipelines.submit.workflow_nodes import Waiting

if TYPE_CHECKING:
    from kanaria.serving.kubernetes_api.client import KubernetesClient

TOLD_AFTER_SECONDS = (30.0, 120.0, 600.0)
THEN_EVERY_SECONDS = 1800.0
RUN_LABEL = "pipeline/runid"
Ask = Callable[[], Mapping[str, str]]
"""Returns step -> why its pod does not run; "" is the run as a whole."""


def turn(seconds: float) -> int:
    """Return how often a wait of so many seconds has been worth a line by now."""
    early = sum(seconds >= after for after in TOLD_AFTER_SECONDS)
    late = max(seconds - TOLD_AFTER_SECONDS[-1], 0.0)
    return early + int(late // THEN_EVERY_SECONDS)


class Teller:
    """Tells of each wait when its turn has come; asks the cluster only then."""

    def __init__(self, ask: Ask, command: Callable[[], str]) -> None:
        """Keep how to ask.

        Args:
            ask: see Ask; it may raise a KanariaError, which is told, and ends the asking when the
                cluster was not reached.
            command: returns what a person types to look, where nothing is known.
        """
        self._ask, self._command = ask, command
        self._turns: dict[tuple[str, ...], int] = {}
        self._gone = ""

    def __call__(self, waiting: tuple[Waiting, ...], now: datetime) -> list[str]:
        """Return the lines that are due at this time."""
        due = []
        for one in waiting:
            number = turn((now - one.since).total_seconds())
            if number > self._turns.get(one.names, 0):
                self._turns[one.names] = number
                due.append(one)
        if not due:
            return []
        reasons, trouble = self._reasons()
        return [self._line(one, now, reasons, trouble) for one in due]

    def _reasons(self) -> tuple[Mapping[str, str], str]:
        """Return the reasons, and why there are none."""
        if self._gone:
            return {}, self._gone
        try:
            return self._ask(), ""
        except NotReadyError as error:  # It would take half a minute again.
            self._gone = str(error)
            return {}, self._gone
        except KanariaError as error:
            return {}, str(error)

    def _line(self, one: Waiting, now: datetime, reasons: Mapping[str, str], trouble: str) -> str:
        names_with_reason = [name for name in one.names if name in reasons]
        why = "; ".join(reasons[name] for name in names_with_reason) or reasons.get("", "")
        if not why:
            said = f"the cluster cannot be asked why ({trouble})" if trouble else "nobody says why"
            why = f"{said}; look with `{self._command()}`"
        who = " or ".join(names_with_reason or one.names) or "the run"
        since = clock(one.since.timestamp(), "%H:%M:%S")
        took = duration((now - one.since).total_seconds())
        return f"{who} waits for a pod since {since} UTC ({took}): {why}"


def look(run_id: str, namespace: str) -> str:
    """Return the command that shows the pods of a run and what happened to them."""
    return f"kubectl -n {namespace} describe pods -l {RUN_LABEL}={run_id}"


def reasons(cluster: "KubernetesClient", run_id: str, namespace: str) -> dict[str, str]:
    """Return step -> why its pod does not run.

    Raises:
        NotReadyError: the cluster does not answer, or is not the one that the run is on.
        PermissionDeniedError: this account may not list pods.
    """
    from kanaria.serving.kubernetes_api.resource_kinds import EVENTS, PODS, WORKFLOWS

    label = f"{RUN_LABEL}={run_id}"
    pods = cluster.list(PODS, namespace, label)
    reason_of = {}
    for pod in pods:
        if pod_problems.waits(pod):
            about = f"involvedObject.name={pod['metadata']['name']}"
            reason_of[pod_problems.step_of(pod)] = (
                pod_problems.held_up(pod)
                or pod_problems.warned(cluster.list(EVENTS, namespace, fields=about))
                or pod_problems.starting(pod)
            )
    if reason_of:
        return reason_of
    workflows = cluster.list(WORKFLOWS, namespace, label)
    if not workflows and not pods:
        raise NotReadyError(
            f"namespace {namespace} of the cluster that kubectl speaks to holds nothing of this run"
        )
    return {step: why for one in workflows for step, why in pod_problems.postponed(one).items()}


def failures(cluster: "KubernetesClient", run_id: str, namespace: str) -> dict[str, str]:
    """Return step -> what Argo says of its pod that failed, for instance that memory ran out.

    Raises:
        NotReadyError: the cluster does not answer, or has no Workflows.
        PermissionDeniedError: this account may not list Workflows.
    """
    from kanaria.serving.kubernetes_api.resource_kinds import WORKFLOWS

    workflows = cluster.list(WORKFLOWS, namespace, f"{RUN_LABEL}={run_id}")
    return {step: why for one in workflows for step, why in pod_problems.failures(one).items()}

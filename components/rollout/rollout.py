"""The work of rollout_model: begin the rollout, control it, and tell how it ended."""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import outcome, release
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.html_page import Page
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.serving.rollout.control import operations, registered_aliases
from kanaria.serving.rollout.control.controller import Pace, run
from kanaria.serving.rollout.control.environment import Place, connect
from kanaria.serving.rollout.control.messages import LineListener, write_timeline
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy import rollout_policy as policies
from kanaria.serving.rollout.policy.rollout_policy import Policy

logger = logging.getLogger(__name__)

STEP = "rollout_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutRequest:
    """What to roll out and how.

    Attributes:
        endpoint: artifact of push_model.
        policy_file: URI of the policy, "" for the default one.
        wait: whether to control the rollout until it is over.
        interval_seconds: between two decisions, more than 0.
        prometheus_url: of the cluster's Prometheus, "" for the environment's.
        prometheus_queries: name of a set of queries, "" for the environment's.
        drift_server_url: of the drift server, "" for the environment's.
        needs_policy: whether an empty `policy_file` means that there is no rollout.
    """

    endpoint: Path
    policy_file: str
    wait: bool
    interval_seconds: int
    prometheus_url: str
    prometheus_queries: str
    drift_server_url: str
    needs_policy: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Where the outcome's folder and the timeline's HTML file are written."""

    outcome: Path
    timeline: Path


def roll_out(request: RolloutRequest, targets: Targets) -> tuple[bool, Outcome]:
    """Roll out a pushed revision, write outcome and timeline.

    Returns:
        Whether it was promoted, and the outcome, which passes too when it was handed over.

    Raises:
        ParameterError: parameters or the policy are wrong; all faults are named.
        DataError: the endpoint is not readable.
        NotReadyError: the platform does not answer, or there is none.
        ConflictError: a rollout of another revision is active.
    """
    faults = Faults(STEP)
    interval = request.interval_seconds
    faults.check(interval > 0, "interval_seconds", interval, "use more than 0 seconds")
    faults.raise_if_any()
    policy = policy_of(request.policy_file)
    endpoint = _endpoint(request.endpoint)
    if not endpoint["pushed"]:
        return _without(targets, False, f"nothing was pushed: {endpoint['reason']}")
    if request.needs_policy and not request.policy_file:
        share = f"{endpoint['revision']} keeps {endpoint['percent']} %"
        return _without(targets, True, f"no policy, no rollout: {share}", promoted=False)
    if endpoint["percent"] == 100:
        return _without(targets, True, f"{endpoint['revision']} is the first: it has all traffic")
    with connect(
        prometheus_url=request.prometheus_url,
        prometheus_queries=request.prometheus_queries,
        drift_server=request.drift_server_url,
    ) as place:
        rollout = _rolled_out(request, place, endpoint, policy)
        return finish(place, rollout, targets)


def finish(place: Place, rollout: Rollout, targets: Targets) -> tuple[bool, Outcome]:
    """Write outcome and timeline of a rollout; return whether it was promoted, and the outcome."""
    judgement = outcome_of(rollout)
    outcome.write(judgement, targets.outcome)
    write_timeline(place.store, rollout, targets.timeline)
    logger.warning("%s", judgement.summary())
    return rollout.state.phase is Phase.PROMOTED, judgement


def policy_of(uri: str) -> Policy:
    """Return the policy kept at `uri`, the default one for "".

    Raises:
        ParameterError: it is not a policy; all faults are named.
        DataError: it cannot be read.
    """
    return policies.parse(uri_files.read_text(uri), uri) if uri else Policy()


def _endpoint(folder: Path) -> dict[str, Any]:
    path = folder / release.ENDPOINT
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not an endpoint of push_model: {shown(str(error))}") from error
    return release.ENDPOINT_FORMAT.current(document, str(path))


def _rolled_out(
    request: RolloutRequest, place: Place, endpoint: dict[str, Any], policy: Policy
) -> Rollout:
    """Begin the rollout, or find the one that this step began before; control it if asked to."""
    if request.wait:
        place.require(policy)
    namespace, service = endpoint["namespace"], endpoint["name"]
    last = place.store.load(namespace, service)
    if last is None or not _is_of(last.rollout, endpoint):
        operations.start(
            place.store,
            place.traffic,
            namespace,
            service,
            operations.Beginning(policy=policy, who=STEP, now=time.time()),
        )
    return controlled(place, namespace, service, request.interval_seconds if request.wait else 0)


def controlled(place: Place, namespace: str, service: str, interval_seconds: int) -> Rollout:
    """Control the newest rollout of a service until it is over; return it as it is then.

    Args:
        place: where it is.
        namespace: of the service.
        service: its name.
        interval_seconds: between two decisions; 0 to leave it to the cluster's controller.
    """
    if not interval_seconds:
        registered_aliases.catch_up(place, namespace, service)
        return operations.newest(place.store, namespace, service).rollout
    with registered_aliases.followed(place, namespace, service):
        stored = run(
            place.world(),
            operations.newest(place.store, namespace, service),
            lease=place.lease_of(namespace, service),
            listener=place.listener(LineListener(logger.warning)),
            pace=Pace(interval_seconds=interval_seconds),
        )
    return stored.rollout


def _is_of(rollout: Rollout, endpoint: dict[str, Any]) -> bool:
    """Tell whether it is the endpoint's rollout, or one that has rolled the same model back.

    Only a person tries a model again that was rolled back.
    """
    target, phase = rollout.target, rollout.state.phase
    was_bad = phase is Phase.ROLLED_BACK and target.canary_uri == endpoint["storage_uri"]
    return was_bad or target.canary == endpoint["revision"]


def outcome_of(rollout: Rollout) -> Outcome:
    """Return the outcome of a rollout; one that is not over was handed over and passes. Pure."""
    phase, last = rollout.state.phase, rollout.state.last
    passed = rollout.active or phase is Phase.PROMOTED
    severity = "WARNING" if passed else "ERROR"
    texts = last.reasons if last else ()
    reasons = [
        Reason(severity=severity, subject=rollout.target.canary, kind=str(phase), text=text)
        for text in texts
    ]
    if not passed and not reasons:
        reasons = [
            Reason(
                severity=severity,
                subject=rollout.target.canary,
                kind=str(phase),
                text=f"the rollout is {phase}",
            )
        ]
    notes = (f"{rollout.title} goes on under its controller",) if rollout.active else ()
    thresholds: dict[str, object] = rollout.policy.model_dump(mode="json")
    return Outcome(
        step=STEP, passed=passed, reasons=tuple(reasons), notes=notes, thresholds=thresholds
    )


def _without(
    targets: Targets, passed: bool, why: str, promoted: bool | None = None
) -> tuple[bool, Outcome]:
    """Tell that there was nothing to roll out, on the page too, which the step promises."""
    reason = Reason(severity="WARNING" if passed else "ERROR", subject=STEP, kind="none", text=why)
    nothing_to_do = Outcome(step=STEP, passed=passed, reasons=(reason,))
    outcome.write(nothing_to_do, targets.outcome)
    lead = [markup.element("p", why, "verdict warn" if passed else "verdict bad")]
    atomic.write_text(targets.timeline, Page(title="No rollout", lead=lead).render())
    logger.warning("%s", why)
    return passed if promoted is None else promoted, nothing_to_do

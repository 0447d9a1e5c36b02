"""Delivers a release through Traffic: staged at 0 %, ready, then given its share."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from kanaria.components.push import model_standing, pending_mark
from kanaria.components.push.active_rollout import Rollouts, Say, say
from kanaria.components.push.model_standing import Standing
from kanaria.components.shared.artifacts.metadata import Artifact, described
from kanaria.components.shared.errors import ConflictError, DataError, NotReadyError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.checks.check_result import Result, failures
from kanaria.serving.checks.stable_revision import StableRevision
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.traffic.traffic_protocol import ServiceStatus, Traffic

MOST_POLL_SECONDS = 0.2
LEAST_POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where a pushed model is served, or why nothing was pushed.

    Attributes:
        pushed: whether the model is served by a revision now.
        reason: what was done, in one sentence.
        name: name of the InferenceService.
        namespace: its namespace.
        revision: the revision that serves the model, or "".
        url: where requests go, or "".
        storage_uri: of the model, or "".
        percent: share of requests the revision gets, 0 to 100.
        protocol: that it speaks, "v1" or "v2"; "" where nothing was pushed.
        checks: results of the checks before any traffic; empty when none was due.
    """

    pushed: bool
    reason: str
    name: str
    namespace: str
    revision: str = ""
    url: str = ""
    storage_uri: str = ""
    percent: int = 0
    protocol: str = ""
    checks: tuple[Result, ...] = ()

    def as_metadata(self) -> dict[str, Any]:
        """Return it as plain values, for an artifact's metadata or JSON."""
        return asdict(self) | {"checks": [result.as_metadata() for result in self.checks]}

    def describe(self, endpoint: Artifact, report: Artifact, card: Artifact) -> None:
        """Write it into the metadata of the endpoint, and name report and card after it."""
        version = self.storage_uri.rstrip("/").split("/")[-2:][0]
        facts = self.as_metadata() | {"version": version}
        names = (self.revision or self.name, f"{self.percent} %" if self.pushed else "not pushed")
        endpoint.metadata.update(described("endpoint", facts, *names))
        report.metadata.update(described("report", {}, "push_model", *names))
        card.metadata.update(described("model_card", {}, version))


class Gate(Protocol):
    """What must hold before a revision gets traffic; a result that failed stops the push."""

    def before(self, service: ServiceSpec) -> tuple[Result, ...]:
        """Judge what is known before the revision is made."""

    def at_zero(
        self, service: ServiceSpec, url: str, stable: StableRevision | None
    ) -> tuple[Result, ...]:
        """Judge the ready revision, which has no traffic yet, at its own URL.

        `stable` is the stable revision beside it, None where there is none.
        """


def deliver(
    traffic: Traffic,
    service: ServiceSpec,
    timeout: int,
    pending: str,
    gate: Gate | None = None,
    prepare: Callable[[], None] = lambda: None,
    rollouts: Rollouts | None = None,
) -> Endpoint:
    """Stage the release, wait until it is ready, check it, and give it its share; once.

    The rollouts are asked first, and again before each share is given, see `active_rollout`: who
    rolls a canary out decides over its traffic, and one that was rolled back stays rolled back. A
    model that is served already is left as it is, its percentage included. The file `pending`
    exists from before the first change until after the last one, so that a push that was killed
    in between goes on where it was. It stays when a check fails: the revision is left at 0 %, and
    the same push again checks it again, unless a rollout has begun.

    Args:
        traffic: the way to deliver.
        service: how to serve; `storage_uri` names the release's model.
        timeout: seconds to wait for readiness, and again for the share.
        pending: URI of the file that says that a push of this release has begun and not ended.
        gate: the checks before any traffic; None for no checks.
        prepare: called before anything is changed; what it raises leaves everything as it was.
        rollouts: of the service; None where nobody rolls out.

    Raises:
        DataError: the model does not load.
        NotReadyError: it is not ready in time, another push took its place, or a rollout of
            another model is active and not to be superseded.
    """
    status = traffic.observe(service.namespace, service.name)
    standing, rollout = model_standing.standing(status, service.storage_uri), _newest(rollouts)
    said = say(rollout, status, service.storage_uri)
    is_ended = not pending_mark.stands(pending, rollout, service.storage_uri)
    if status and (said is Say.DECIDES or (standing is Standing.READY and is_ended)):
        uri_files.remove(pending)
        return _endpoint(service, status, _unchanged(rollout, said))
    if rollouts and said is Say.OTHER:
        rollouts.require_way()
    results = gate.before(service) if gate and standing is Standing.ABSENT else ()
    if failures(results):
        return _refused(service, status, results)
    if rollouts:
        rollouts.make_way(status)
    prepare()
    pending_mark.put(pending, _newest(rollouts))
    # What is applied stays as it is, whether it loads or not: lineage changes with the URI only.
    if standing is Standing.ABSENT:
        traffic.stage(build(replace(service, canary_percent=0)))
    status = _await_ready(traffic, service, timeout)
    results += _at_zero(gate, service, status)
    if failures(results):
        return _refused(service, status, results)
    status, said = _give_share(traffic, service, status, timeout, rollouts)
    uri_files.remove(pending)
    reason = _gets(service, status, _newest(rollouts), said)
    return replace(_endpoint(service, status, reason), checks=results)


def _newest(rollouts: Rollouts | None) -> Rollout | None:
    return rollouts.newest() if rollouts else None


def _unchanged(rollout: Rollout | None, said: Say) -> str:
    """Return why a model that is served has no other share."""
    if rollout and said is Say.DECIDES:
        return f"{rollout.title} decides over its traffic; nothing was changed"
    if rollout and said is Say.TAKEN_BACK:
        reasons = rollout.state.last.reasons if rollout.state.last else ()
        return (
            f"{rollout.title} has rolled it back ({', '.join(reasons[:1])}), so it gets no share; "
            "`kanaria rollout start` tries it again"
        )
    return "already served; nothing was changed"


def _gets(service: ServiceSpec, status: ServiceStatus, rollout: Rollout | None, said: Say) -> str:
    """Return what came of a push."""
    revision = model_standing.revision_of(status, service.storage_uri)
    reason = f"{revision} is ready and gets {_percent(status, revision)} %"
    is_theirs = said in (Say.DECIDES, Say.TAKEN_BACK)
    return f"{reason}; {_unchanged(rollout, said)}" if is_theirs else reason


def _at_zero(gate: Gate | None, service: ServiceSpec, status: ServiceStatus) -> tuple[Result, ...]:
    if gate is None or not _is_due(status, service.storage_uri):
        return ()
    revision = model_standing.revision_of(status, service.storage_uri)
    beside = status.rolled_out if status.rolled_out != revision else ""
    return gate.at_zero(service, status.revision_urls[revision], _stable(status, beside))


def _stable(status: ServiceStatus, revision: str) -> StableRevision | None:
    url = status.revision_urls.get(revision, "")
    uri = status.revision_uris.get(revision, "")
    return StableRevision(url=url, storage_uri=uri) if url else None


def _is_due(status: ServiceStatus, uri: str) -> bool:
    """Tell whether a ready revision is to be checked: it has no share yet, or it is the only one.

    A later revision than the stable one has a share only after it has passed.
    """
    revision = model_standing.revision_of(status, uri)
    is_newest = revision == status.latest_created
    is_only_one = status.rolled_out in ("", revision)
    return is_newest and (is_only_one or _percent(status, revision) == 0)


def _refused(
    service: ServiceSpec, status: ServiceStatus | None, results: tuple[Result, ...]
) -> Endpoint:
    """Return the endpoint of a push that a check has stopped."""
    reason = f"not pushed: {failures(results)}"
    if status is None or not model_standing.revision_of(status, service.storage_uri):
        name, namespace = service.name, service.namespace
        return Endpoint(pushed=False, reason=reason, name=name, namespace=namespace, checks=results)
    served = _endpoint(service, status, reason)
    if served.percent:
        reason += f"; {served.revision} has {served.percent} %: there is no other to route to"
    return replace(served, pushed=False, reason=reason, checks=results)


def _await_ready(traffic: Traffic, service: ServiceSpec, timeout: int) -> ServiceStatus:
    """Wait until a revision with the service's URI is ready, in all copies it must have."""
    where = f"{service.namespace}/{service.name}"
    began = time.monotonic()
    while True:
        status = traffic.observe(service.namespace, service.name)
        standing = model_standing.standing(status, service.storage_uri)
        lacks = model_standing.obstacle(status, service.storage_uri, service.scaling.min_replicas)
        if status and not lacks:
            return status
        if status and status.failure and standing is Standing.FAILED:
            raise DataError(
                f"{where}: {status.latest_created} does not load {service.storage_uri}: "
                f"{status.failure.reason}: {status.failure.message}"
            )
        if status and standing is Standing.ABSENT:
            raise _replaced(service, status)
        if time.monotonic() > began + timeout:
            raise NotReadyError(
                f"{where}: no ready revision of {service.storage_uri} after {timeout} s; "
                f"{lacks}; look at its log, or raise ready_timeout"
            )
        _poll(began)


def _give_share(
    traffic: Traffic,
    service: ServiceSpec,
    status: ServiceStatus,
    timeout: int,
    rollouts: Rollouts | None,
) -> tuple[ServiceStatus, Say]:
    """Shift the traffic and read it back until it is what was asked for, or a rollout decides."""
    revision = model_standing.revision_of(status, service.storage_uri)
    if revision != status.latest_created:
        # It is the stable one beside a later canary, whose share is not ours.
        return status, Say.NOTHING
    wanted = model_standing.wanted_percent(status, revision, service.canary_percent or 0)
    began, written, lacks = time.monotonic(), -1, ""
    while True:
        said = say(_newest(rollouts), status, service.storage_uri)
        promoted = wanted < 100 and status.rolled_out == revision
        if said is Say.DECIDES or promoted:
            return status, said
        share = 0 if said is Say.TAKEN_BACK else wanted
        if written == share == _percent(status, revision):
            return status, said
        if lacks:
            if time.monotonic() > began + timeout:
                where, fault = (
                    f"{service.namespace}/{service.name}",
                    f"{revision} did not get {share} %",
                )
                raise NotReadyError(f"{where}: {fault} in {timeout} s: {lacks}")
            _poll(began)
        obstacle = _shift(traffic, service, share, revision) if written != share else ""
        written = -1 if obstacle else share
        status = traffic.observe(service.namespace, service.name) or status
        if revision != status.latest_created:
            raise _replaced(service, status)  # A shift now would be another canary's.
        is_live = _percent(status, revision) == share
        lacks = obstacle or ("" if is_live else "the platform has not moved the traffic")


def _poll(began: float) -> None:
    """Wait a tenth of what was waited already: what takes a second is not held up by a poll."""
    waited = time.monotonic() - began
    time.sleep(min(max(waited / 10, LEAST_POLL_SECONDS), MOST_POLL_SECONDS))


def _replaced(service: ServiceSpec, status: ServiceStatus) -> NotReadyError:
    return NotReadyError(
        f"{service.namespace}/{service.name}: another push replaced {service.storage_uri} by "
        f"{status.storage_uri}"
    )


def _shift(traffic: Traffic, service: ServiceSpec, wanted: int, revision: str) -> str:
    """Write the share; return what passes and is in the way, "" for nothing.

    KServe may have written a status meanwhile, and a revision that has just become ready may be
    unready once more for a moment.
    """
    try:
        traffic.shift(service.namespace, service.name, wanted, revision)
    except (ConflictError, NotReadyError) as error:
        return str(error)
    return ""


def _percent(status: ServiceStatus, revision: str) -> int:
    return sum(share.percent for share in status.traffic if share.revision == revision)


def _endpoint(service: ServiceSpec, status: ServiceStatus, reason: str) -> Endpoint:
    revision = model_standing.revision_of(status, service.storage_uri)
    return Endpoint(
        pushed=True,
        reason=reason,
        name=service.name,
        namespace=service.namespace,
        revision=revision,
        url=status.url,
        storage_uri=service.storage_uri,
        percent=_percent(status, revision),
        protocol=service.server.protocol_version,
    )

"""Aliases of a registered model that follow a service's rollouts.

alias        names the release that
----------   -----------------------------------------------------------------------------
champion     is the stable revision: the last that has all traffic
candidate    is on trial beside it
previous     was the champion before a rollout made this one it

What a rollout has decided counts once its traffic is seen to be so. All is worked out anew from
the rollouts' records, from what is live and from the audit trail, which says where a release is
registered. So whoever looks next sets right what a dead process left, and two who look at once
set the same.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import KanariaError
from kanaria.serving.model_registry import registered_versions
from kanaria.serving.model_registry.bounded_job import within
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.model_registry.registration import Registration, registrations
from kanaria.serving.rollout.control.rollout_store import Store
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

if TYPE_CHECKING:
    from kanaria.serving.rollout.control.environment import Place

LOGGER = logging.getLogger(__name__)
CHAMPION, CANDIDATE, PREVIOUS = "champion", "candidate", "previous"
POLL_SECONDS = 5.0
LOOK_SECONDS, LAST_SECONDS = 20.0, 10.0
"""For one look at a server: beside a rollout, and when a command has to end."""
PAUSE_SECONDS = 30.0
"""After a look that failed."""
MOST_ROLLOUTS = 50
"""That are read to find the previous champion."""
MOST_LOOKS = 5
Model = tuple[str, str]
"""URI of a server and name of a registered model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """URIs of the models that an alias is for; "" where there is none."""

    champion: str = ""
    candidate: str = ""
    previous: str = ""


def standing(status: ServiceStatus, rollouts: Sequence[Rollout]) -> Standing | None:
    """Return which models stand where; None while a decision is not true yet. Pure.

    Args:
        status: of the service.
        rollouts: of the service, the newest first.
    """
    newest = rollouts[0] if rollouts else None
    if newest is not None and newest.governs:
        champion, candidate = newest.target.stable_uri, newest.target.canary_uri
    elif newest is not None and not newest.settled:
        return None
    else:
        champion = status.revision_uris.get(status.rolled_out, "")
        candidate = _on_trial(status, newest)
    return Standing(champion=champion, candidate=candidate, previous=_previous(champion, rollouts))


def _on_trial(status: ServiceStatus, newest: Rollout | None) -> str:
    """Return what was pushed beside the stable revision and no rollout has judged yet."""
    latest = status.latest_created
    is_judged = newest is not None and newest.target.canary == latest
    if not status.rolled_out or latest == status.rolled_out or is_judged:
        return ""
    return status.revision_uris.get(latest, "")


def _previous(champion: str, rollouts: Sequence[Rollout]) -> str:
    for rollout in rollouts:
        was_promoted = rollout.state.phase in (Phase.PROMOTED, Phase.SUPERSEDED)
        if was_promoted and rollout.target.canary_uri == champion:
            return rollout.target.stable_uri
    return ""


def wanted(now: Standing, registered: Mapping[str, Registration]) -> dict[Model, dict[str, str]]:
    """Return registered model -> alias -> version, "" for none. Pure.

    Args:
        now: which models stand where.
        registered: URI of a model -> its registration, the newest last.
    """
    holders = {CHAMPION: now.champion, CANDIDATE: now.candidate, PREVIOUS: now.previous}
    by_alias = {alias: registered[uri] for alias, uri in holders.items() if uri in registered}
    last = [list(registered.values())[-1]] if registered else []
    aliases: dict[Model, dict[str, str]] = {}
    for each in (*by_alias.values(), *last):
        aliases.setdefault((each.server, each.model), dict.fromkeys(holders, ""))
    for alias, each in by_alias.items():
        aliases[each.server, each.model][alias] = each.version
    return aliases


def newest_first(store: Store, namespace: str, service: str) -> tuple[Rollout, ...]:
    """Return the newest rollouts of a service, the newest first."""
    rollouts: list[Rollout] = []
    stored = store.load(namespace, service)
    while stored is not None and len(rollouts) < MOST_ROLLOUTS:
        rollouts.append(stored.rollout)
        stored = store.load(namespace, service, stored.rollout.number - 1)
    return tuple(rollouts)


def look(place: "Place", namespace: str, service: str, seconds: float = LOOK_SECONDS) -> None:
    """Let the aliases name what stands where now.

    What was true when it was read may be written after somebody else has written what is true
    since: so it is read again after each change, until it stays.

    Args:
        place: of the service and its rollouts.
        namespace: of the service.
        service: its name.
        seconds: that all servers together may take.

    Raises:
        KanariaError: a record is damaged, or a server does not do it.
    """
    deadline = time.monotonic() + seconds
    for _ in range(MOST_LOOKS):
        aliases = _wanted(place, namespace, service)
        changed = False
        for (server, model), names in aliases.items():
            changed |= _set(server, model, names, deadline - time.monotonic())
        if not changed:
            return


def _wanted(place: "Place", namespace: str, service: str) -> dict[Model, dict[str, str]]:
    registered = registrations(place.trails.read(namespace, service))
    if not registered:
        return {}
    rollouts = newest_first(place.store, namespace, service)
    status = place.traffic.observe(namespace, service)
    now = standing(status, rollouts) if status is not None else None
    return wanted(now, registered) if now is not None else {}


def _set(server: str, model: str, names: Mapping[str, str], seconds: float) -> bool:
    """Set the aliases of a registered model; tell whether that changed anything."""

    def job() -> dict[str, str]:
        with MlflowClient(server, seconds, os.environ) as client:
            return registered_versions.set_aliases(client, model, names)

    changed = within(max(seconds, 0.01), job, f"aliases of {model} at {server}")
    for alias, version in changed.items():
        to = f"is version {version}" if version else "is nobody"
        LOGGER.warning("%s of model %s at %s %s", alias, model, server, to)
    return bool(changed)


class _Follower:
    """Looks at services again when their rollouts have changed, and when a look has failed."""

    def __init__(self, place: "Place", namespace: str, service: str) -> None:
        self._place, self._namespace, self._service = place, namespace, service
        self._ended = threading.Event()
        self._versions: dict[str, str] = {}
        self._failures: dict[str, tuple[float, str]] = {}

    def run(self) -> None:
        """Look until it is told to end."""
        while not self._ended.is_set():
            try:
                services = (
                    (self._service,)
                    if self._service
                    else self._place.store.services(self._namespace)
                )
                for service in services:
                    self._follow(service, LOOK_SECONDS)
            except KanariaError as error:
                LOGGER.debug("%s", error)  # The controller itself says so.
            self._ended.wait(POLL_SECONDS)

    def end(self) -> None:
        """Tell it to end."""
        self._ended.set()

    def last(self) -> None:
        """Look once more at the one service, when all else is done."""
        said = self._failures.pop(self._service, (0.0, ""))[1]
        self._versions.clear()
        self._follow(self._service, LAST_SECONDS, said)

    def _follow(self, service: str, seconds: float, said: str = "") -> None:
        if service in self._failures:
            since, said = self._failures[service]
            if time.monotonic() - since < PAUSE_SECONDS:
                return
        try:
            version = self._version(service)
        except KanariaError as error:
            LOGGER.debug("%s", error)  # The controller itself says so.
            return
        with json_log.fields(service=service):
            self._look(service, version, seconds, said)

    def _look(self, service: str, version: str, seconds: float, said: str) -> None:
        try:
            if self._versions.get(service) != version:
                look(self._place, self._namespace, service, seconds)
                self._versions[service] = version
            self._failures.pop(service, None)
        except KanariaError as error:
            if str(error) != said:
                LOGGER.warning(
                    "%s/%s: its aliases in the registry are not what is live: %s",
                    self._namespace,
                    service,
                    error,
                )
            self._failures[service] = (time.monotonic(), str(error))

    def _version(self, service: str) -> str:
        stored = self._place.store.load(self._namespace, service)
        if stored is None:
            return "none"
        rollout = stored.rollout
        return f"{rollout.number} {rollout.state.phase} {rollout.settled}"


@contextmanager
def followed(place: "Place", namespace: str, service: str = "") -> Iterator[None]:
    """Let the aliases follow the rollouts as long as the context lasts.

    It holds up no rollout: a thread of its own does it, and where a server does not answer a
    warning is all that comes of it, until the next look.

    Args:
        place: of the services and their rollouts.
        namespace: of the services.
        service: the one that is followed, which is looked at once more at the end; "" for all.
    """
    follower = _Follower(place, namespace, service)
    thread = threading.Thread(target=follower.run, name="registered-aliases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        follower.end()
        if service:
            thread.join(LOOK_SECONDS)
            follower.last()


def catch_up(place: "Place", namespace: str, service: str) -> None:
    """Let the aliases of a service name what stands where now; a failure is a warning."""
    _Follower(place, namespace, service).last()

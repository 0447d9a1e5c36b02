"""Observations of a cluster: counters from Prometheus, restarts from the canary's pods.

One instant query a revision gives the raw counters of all its replicas as of one moment, since
Prometheus evaluates an expression on one state of its storage and stores a scrape as a whole. The
difference between two readings is therefore exact: what a replica answered between the two scrapes
that they saw. It lags behind the world by up to one scrape interval, which is no loss: the next
reading has it. Only what a process answered between its last scrape and its end is lost. `vector`
says which samples count.
"""

import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.rollout.observations import pod_containers
from kanaria.serving.rollout.observations.bounded_calls import (
    COUNTERS_SECONDS,
    NO_ANSWER,
    Answer,
    ask,
    within,
)
from kanaria.serving.rollout.observations.observation_source import Container, Reading, Revisions
from kanaria.serving.rollout.observations.prometheus_queries import QuerySet
from kanaria.serving.rollout.observations.prometheus_vector import replicas
from kanaria.serving.rollout.observations.replica_counters import Replica

UNSEEN_SECONDS = 120.0
"""A process may answer this long before its first sample: it must be discovered, then scraped."""
WAITS_SECONDS = (0.5, 1.0)
"""Pauses between attempts; their number bounds the retries, and so does the time for all."""


class _Data(BaseModel):
    """The result of a query, and its form."""

    model_config = ConfigDict(strict=True)
    kind: Annotated[str, Field(alias="resultType")]
    result: Any


class _Reply(BaseModel):
    """An answer of Prometheus' HTTP API, or of one that speaks as it does.

    Warnings (Thanos, Mimir, a remote read) and isPartial (VictoriaMetrics) say that a store did
    not answer, so that what is missing may be there.
    """

    model_config = ConfigDict(strict=True)
    status: str
    error: str | None = None
    data: _Data | None = None
    warnings: list[str] | None = None
    partial: Annotated[bool, Field(alias="isPartial")] = False


class PrometheusSource:
    """The Source of one Prometheus and one cluster.

    No sample of a revision is no answer, since one that nobody scrapes looks like one without
    replicas. A service without a stable revision has no replicas of it.
    """

    def __init__(self, url: str, queries: QuerySet, cluster: pod_containers.Cluster) -> None:
        """Ask the Prometheus at `url`, for instance "http://prometheus.monitoring:9090".

        Raises:
            ParameterError: the URL is not one of HTTP, or holds a password.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ParameterError(f"prometheus: {error}; use http://HOST:PORT") from error
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
            raise ParameterError(
                f"prometheus={shown(parsed)}: use http://HOST:PORT, without a name or password"
            )
        self._url, self._queries, self._cluster = url.rstrip("/"), queries, cluster

    def read(self, revisions: Revisions) -> Reading:
        """Return what Prometheus and the pods show within COUNTERS_SECONDS."""
        now = time.time()
        calls: dict[str, Callable[[], Any]] = {
            "canary": partial(self._replicas, revisions, revisions.canary),
            "stable": partial(self._replicas, revisions, revisions.stable),
            "pods": partial(self._containers, revisions),
        }
        answers = within(COUNTERS_SECONDS, calls)
        return Reading(
            now=now,
            canary=answers["canary"],
            stable=answers["stable"],
            containers=answers["pods"],
            sampled=now - UNSEEN_SECONDS,
        )

    def _containers(self, revisions: Revisions) -> tuple[Container, ...]:
        return pod_containers.containers(
            pod_containers.of_revision(self._cluster, revisions, revisions.canary)
        )

    def _replicas(self, revisions: Revisions, revision: str) -> tuple[Replica, ...]:
        if not revision:
            return ()
        result = self._vector(self._queries.query(revisions, revision))
        try:
            return replicas(result, self._queries)
        except DataError as error:
            raise DataError(f"{self._url}: revision {revision}: {error}") from error

    def _vector(self, query: str) -> list[Any]:
        """Return the result of an instant query, asked again after what may pass."""
        path, ends = f"{self._url}/api/v1/query", time.monotonic() + COUNTERS_SECONDS
        for pause in (*WAITS_SECONDS, None):
            answer = ask("POST", path, ends - time.monotonic(), data={"query": query})
            if answer.status == HTTPStatus.OK:
                return vector(answer.body)
            if pause is None or not _passes(answer) or time.monotonic() + pause >= ends:
                break
            time.sleep(pause)
        cause = f"{answer.status or 'no answer'}: {shown(answer.text)}"
        raise DataError(f"{self._url}: no answer to the queries: {cause}")


def _passes(answer: Answer) -> bool:
    return answer.status == NO_ANSWER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def vector(body: bytes) -> list[Any]:
    """Return the series in an answer to an instant query; pure.

    Raises:
        DataError: it is no answer of Prometheus' HTTP API, says that it failed or is not whole, or
            holds no vector.
    """
    try:
        reply = _Reply.model_validate_json(body)
    except ValidationError as error:
        raise DataError(f"not the answer of a Prometheus: {first_fault(error)}") from error
    if reply.status != "success" or reply.data is None:
        raise DataError(f"Prometheus says {shown(reply.status)}: {shown(reply.error)}")
    if reply.warnings or reply.partial:
        raise DataError(f"Prometheus warns that the answer is not whole: {shown(reply.warnings)}")
    if reply.data.kind != "vector" or not isinstance(reply.data.result, list):
        raise DataError(
            f"the result is a {shown(reply.data.kind)}; write queries that give an instant vector"
        )
    return reply.data.result

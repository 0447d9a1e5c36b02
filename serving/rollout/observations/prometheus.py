"""Observations of a cluster: counters from Prometheus, restarts from the canary's pods.

One instant query a revision gives the raw counters of all its replicas as of one moment, since
Prometheus evaluates an expression on one state of its storage and stores a scrape as a whole. The
difference between two readings is therefore exact: what a replica answered between the two scrapes
that they saw. It lags behind the world by up to one scrape interval, which is no loss: the next
reading has it. Only what a process answered between its last scrape and its end is lost. `vector`
says which samples count.
"""

import json
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from kanaria.components.shared.errors import DataError, KanariaError, ParameterError, shown
from kanaria.serving.rollout.counters import Replica
from kanaria.serving.rollout.observations import pods
from kanaria.serving.rollout.observations.protocol import Reading, Revisions
from kanaria.serving.rollout.observations.queries import QuerySet
from kanaria.serving.rollout.observations.vector import replicas

logger = logging.getLogger(__name__)
Known = TypeVar("Known")
UNSEEN_SECONDS = 120.0
"""A process may answer this long before its first sample: it must be discovered, then scraped."""
TIMEOUT = httpx.Timeout(5.0)
WAITS_SECONDS = (0.5, 1.0)
"""Pauses between attempts; their number bounds the retries."""


class PrometheusSource:
    """The Source of one Prometheus and one cluster.

    No sample of a revision is no answer, since one that nobody scrapes looks like one without
    replicas. A service without a stable revision has no replicas of it.
    """

    def __init__(self, url: str, queries: QuerySet, cluster: pods.Cluster) -> None:
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
        """Return what Prometheus and the pods show now, bounded in time and attempts."""
        now = time.time()
        canary = _known("canary", lambda: self._replicas(revisions, revisions.canary))
        stable = _known("stable", lambda: self._replicas(revisions, revisions.stable))
        found = _known("pods", lambda: pods.of_revision(self._cluster, revisions, revisions.canary))
        return Reading(
            now=now,
            canary=canary,
            stable=stable,
            containers=None if found is None else pods.containers(found),
            sampled=now - UNSEEN_SECONDS,
        )

    def _replicas(self, revisions: Revisions, revision: str) -> tuple[Replica, ...]:
        if not revision:
            return ()
        result = self._vector(self._queries.query(revisions, revision))
        try:
            return replicas(result, self._queries)
        except DataError as error:
            raise DataError(f"{self._url}: revision {revision}: {error}") from error

    def _vector(self, query: str) -> list[dict[str, Any]]:
        """Return the result of an instant query, asked again after what may pass."""
        cause = ""
        for wait in (*WAITS_SECONDS, None):
            status, text = self._send(query)
            if status == HTTPStatus.OK:
                return _result(text)
            cause = f"{status or 'no answer'}: {shown(text)}"
            if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            if wait is not None:
                time.sleep(wait)
        raise DataError(f"{self._url}: no answer to the queries: {cause}")

    def _send(self, query: str) -> tuple[int, str]:
        path = f"{self._url}/api/v1/query"
        try:
            answer = httpx.post(path, data={"query": query}, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            return 0, str(error) or type(error).__name__
        return answer.status_code, answer.text


def _known(what: str, read: Callable[[], Known]) -> Known | None:
    """Return what was read, or None after logging why there is nothing."""
    try:
        return read()
    except KanariaError as error:
        logger.warning("%s: nothing is known in this interval: %s", what, error)
        return None


def _result(text: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(text)["data"]["result"])
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"not the answer of a Prometheus: {shown(text)}") from error

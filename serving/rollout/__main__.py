"""The rollout controller: `python -m kanaria.serving.rollout`.

Works on every rollout of one namespace until it is told to stop. In a cluster its settings come
from the environment: KANARIA_NAMESPACE, KANARIA_PROMETHEUS_URL, KANARIA_PROMETHEUS_QUERIES,
KANARIA_DRIFT_SERVER. With --port it answers /healthz, /readyz and /metrics.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kanaria.components.shared import json_log
from kanaria.components.shared.command_line import Parser, amount, code_of, port
from kanaria.serving.health_port import open_port
from kanaria.serving.rollout.control.controller import INTERVAL_SECONDS, Listeners, Pace, serve
from kanaria.serving.rollout.control.controller_health import ControllerHealth
from kanaria.serving.rollout.control.environment import connect
from kanaria.serving.rollout.control.registered_aliases import followed
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.timeline.status_lines import line
from kanaria.serving.traffic.find_traffic import namespace_of


def _options() -> argparse.Namespace:
    parser = Parser(prog="python -m kanaria.serving.rollout", description=__doc__)
    namespace = os.environ.get("KANARIA_NAMESPACE", "")
    parser.add_argument("--namespace", default=namespace, help="of the services; its own")
    parser.add_argument("--state", default="", help="state folder of local serving")
    parser.add_argument("--prometheus-url", default="", help="of the cluster's Prometheus")
    parser.add_argument("--prometheus-queries", default="", help="a set of queries, as knative")
    parser.add_argument("--drift-server", default="", help="URL, for gates on what models answer")
    parser.add_argument(
        "--interval",
        type=amount,
        default=INTERVAL_SECONDS,
        metavar="SECONDS",
        help="between two looks; %(default)g",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address for --port, 0.0.0.0 for all; %(default)s"
    )
    parser.add_argument(
        "--port", type=port, default=None, help="for probes and metrics, 0 for a free one; none"
    )
    return parser.parse_args()


@contextmanager
def _probed(health: ControllerHealth, options: argparse.Namespace) -> Iterator[None]:
    if options.port is None:
        yield
        return
    with open_port(health, options.host, options.port) as bound_port:
        logging.info("probes and metrics on port %d", bound_port)
        yield


def _log(stored: Stored) -> None:
    rollout = stored.rollout
    text = line(rollout.state, rollout.policy, time.time())
    logging.info("%s: %s", rollout.title, text, extra={"revision": rollout.target.canary})


def _control() -> int:
    """Run the controller until it is told to stop."""
    options = _options()
    namespace = namespace_of(options.namespace, options.state)
    json_log.configure("%(asctime)s %(message)s", namespace=namespace)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    health = ControllerHealth()
    with (
        connect(
            options.state, options.prometheus_url, options.prometheus_queries, options.drift_server
        ) as place,
        _probed(health, options),
        followed(place, namespace),
    ):
        logging.info("working on the rollouts of namespace %s", namespace)
        serve(
            health.around(place.world()),
            namespace,
            lease_of=health.around_leases(place.lease_of),
            listeners=Listeners(
                changed=place.listener(_log, note_event=health.metrics.count_event)
            ),
            pace=Pace(interval_seconds=options.interval),
        )
    return 0


if __name__ == "__main__":
    # Kubernetes ends a pod by SIGTERM; the lease is given back then.
    sys.exit(code_of(_control))

"""The rollout controller: `python -m kanaria.serving.rollout`.

Works on every rollout of one namespace until it is told to stop. In a cluster its settings come
from the environment: KANARIA_NAMESPACE, KANARIA_PROMETHEUS_URL, KANARIA_PROMETHEUS_QUERIES,
KANARIA_DRIFT_SERVER.
"""

import argparse
import logging
import os
import sys
import time

from kanaria.components.shared.command_line import Parser, amount, code_of
from kanaria.serving.rollout.control.connect import connect
from kanaria.serving.rollout.control.controller import INTERVAL_SECONDS, serve
from kanaria.serving.rollout.control.store import Stored
from kanaria.serving.rollout.timeline.progress import line


def _options() -> argparse.Namespace:
    parser = Parser(prog="python -m kanaria.serving.rollout", description=__doc__)
    namespace = os.environ.get("KANARIA_NAMESPACE", "default")
    parser.add_argument("--namespace", default=namespace, help="of the services")
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
    return parser.parse_args()


def _log(stored: Stored) -> None:
    rollout = stored.rollout
    logging.info("%s: %s", rollout.title, line(rollout.state, rollout.policy, time.time()))


def _control() -> int:
    """Run the controller until it is told to stop."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with connect(
        options.state, options.prometheus_url, options.prometheus_queries, options.drift_server
    ) as place:
        logging.info("working on the rollouts of namespace %s", options.namespace)
        serve(
            place.world(),
            options.namespace,
            lease_of=place.lease_of,
            heard=_log,
            interval_seconds=options.interval,
        )
    return 0


if __name__ == "__main__":
    # Kubernetes ends a pod by SIGTERM; the lease is given back then.
    sys.exit(code_of(_control))

"""The rollout controller: `python -m kanaria.serving.rollout`.

Works on every rollout of one namespace until it is told to stop. In a cluster its settings come
from the environment: KANARIA_NAMESPACE, KANARIA_PROMETHEUS_URL, KANARIA_PROMETHEUS_QUERIES,
KANARIA_DRIFT_SERVER.
"""

import argparse
import logging
import os
import signal
import sys
import time

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.rollout.control.connect import connect
from kanaria.serving.rollout.control.controller import INTERVAL_SECONDS, serve
from kanaria.serving.rollout.control.store import Stored
from kanaria.serving.rollout.timeline.progress import line


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.rollout", description=__doc__)
    namespace = os.environ.get("KANARIA_NAMESPACE", "default")
    parser.add_argument("--namespace", default=namespace, help="of the services")
    parser.add_argument("--state", default="", help="state folder of local serving")
    parser.add_argument("--prometheus-url", default="", help="of the cluster's Prometheus")
    parser.add_argument("--prometheus-queries", default="", help="a set of queries, as knative")
    parser.add_argument("--drift-server", default="", help="URL, for gates on what models answer")
    parser.add_argument("--interval", type=float, default=INTERVAL_SECONDS, metavar="SECONDS")
    return parser.parse_args()


def _log(stored: Stored) -> None:
    rollout = stored.rollout
    logging.info("%s: %s", rollout.title, line(rollout.state, rollout.policy, time.time()))


def main() -> int:
    """Run the controller; 1 after an error, 130 when it was told to stop."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Kubernetes ends a pod by SIGTERM; the lease is given back then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with connect(
            options.state,
            options.prometheus_url,
            options.prometheus_queries,
            options.drift_server,
        ) as place:
            serve(
                place.world(),
                options.namespace,
                lease_of=place.lease_of,
                heard=_log,
                interval_seconds=options.interval,
            )
    except KanariaError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

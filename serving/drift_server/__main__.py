"""Runs the drift server: `python -m kanaria.serving.drift_server --store LOCATION`."""

import argparse
import logging
import sys

import uvicorn

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift_server.databases.database import StoreError
from kanaria.serving.drift_server.intake import Intake
from kanaria.serving.drift_server.metrics import Metrics
from kanaria.serving.drift_server.opening import open_store
from kanaria.serving.drift_server.server import Receiver
from kanaria.serving.drift_server.store import Retention

HOUR = 3600.0
STORE = (
    "a SQLite file of this process alone, made when missing, or postgresql://user@host/database "
    "of any number of processes, with the password in PGPASSWORD"
)


def main() -> None:
    """Serve until SIGTERM; what was received is written before it ends."""
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.drift_server")
    parser.add_argument("--store", required=True, help=STORE)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--keep-days", type=float, default=30.0)
    parser.add_argument("--keep-megabytes", type=int, default=10_000)
    parser.add_argument("--label-delay-hours", type=float, default=24.0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    retention = Retention(seconds=options.keep_days * 24 * HOUR, megabytes=options.keep_megabytes)
    try:
        store = open_store(options.store, retention)
    except (ParameterError, StoreError) as error:
        sys.exit(f"error: {error}")
    # A line for each event would cost more than keeping it.
    uvicorn.run(
        Receiver(options.store, Intake(store), Metrics(), options.label_delay_hours * HOUR),
        host=options.host,
        port=options.port,
        access_log=False,
        proxy_headers=False,
        log_level="warning",
    )
    store.close()


if __name__ == "__main__":
    main()

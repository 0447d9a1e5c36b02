"""The watching process: `python -m kanaria.serving.drift_watch --store S --watch FILE`.

The drift server starts it beside itself, so that no test takes time from what receives. It ends
when it is told to, or when the process that started it is gone.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import KanariaError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift_watch.verdict_delivery import Delivery
from kanaria.serving.drift_watch.watch_detectors import detectors
from kanaria.serving.drift_watch.watch_file import Watch, read
from kanaria.serving.drift_watch.watch_states import line
from kanaria.serving.drift_watch.window_runner import Runner, Watched
from kanaria.serving.payload_log.open_store import open_reader, open_store

logger = logging.getLogger(__name__)
POLL_SECONDS = 2.0
LEAST_REST = 9
"""Times of what looking for windows took, while none is due: a large store is looked at less."""


def main() -> None:
    """Test windows until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.drift_watch")
    parser.add_argument("--store", required=True)
    parser.add_argument("--watch", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=0, help="process with which this one ends")
    options = parser.parse_args()
    json_log.configure("%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        watch(options.store, read(options.watch), ended, options.parent)
    except KanariaError as error:
        sys.exit(f"error: {error}")


def watch(location: str, watches: Sequence[Watch], ended: threading.Event, parent: int) -> None:
    """Test windows and send verdicts until `ended` is set; a store that is away is waited for.

    Args:
        location: of the store.
        watches: what is tested.
        ended: looked at every POLL_SECONDS.
        parent: process identifier of the one that started this, which is told the watches' states
            on standard output; when another one has taken its place, this ends. 0 for nobody.

    Raises:
        KanariaError: the store cannot be opened.
    """
    loaded = [Watched(watch=one, fitted=detectors(one.detector)) for one in watches]
    store, reader = open_store(location), open_reader(location)
    delivery = Delivery(store, reader, watches)
    runner = Runner(store, reader, loaded, delivery.add)
    with ThreadPoolExecutor(1, thread_name_prefix="delivery") as thread:
        sending = thread.submit(delivery.run, ended)
        try:
            while not (ended.is_set() or sending.done()) and parent in (0, os.getppid()):
                began = time.monotonic()
                tested = _turn(runner)
                if parent:
                    sys.stdout.write(f"{line(runner.states())}\n")
                    sys.stdout.flush()
                took = time.monotonic() - began
                ended.wait(0 if tested else max(POLL_SECONDS, LEAST_REST * took))
        finally:
            ended.set()
        sending.result()
    reader.close()
    store.close()


def _turn(runner: Runner) -> int:
    try:
        return runner.turn(time.time())
    except StoreError as error:
        logger.error("no window is tested: %s", error)
        return 0


if __name__ == "__main__":
    main()

"""The watching process: `python -m kanaria.serving.drift_server.watching --store S --watch FILE`.

The drift server starts it beside itself, so that no test takes time from what receives. It ends
when it is told to, or when the process that started it is gone.
"""

import argparse
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from kanaria.components.shared import storage
from kanaria.components.shared.errors import DataError, KanariaError, shown
from kanaria.serving.drift import saved
from kanaria.serving.drift_server.opening import open_reader, open_store
from kanaria.serving.drift_server.watching.delivery import Delivery
from kanaria.serving.drift_server.watching.examining import Fitted
from kanaria.serving.drift_server.watching.runner import Runner, Watched
from kanaria.serving.drift_server.watching.settings import NAME, VERSION, Watch, read

POLL_SECONDS = 2.0
LEAST_REST = 9
"""Times of what looking for windows took, while none is due: a large store is looked at less."""


def main() -> None:
    """Test windows until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.drift_server.watching")
    parser.add_argument("--store", required=True)
    parser.add_argument("--watch", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=0, help="process with which this one ends")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        watch(options.store, read(options.watch), ended, options.parent)
    except KanariaError as error:
        sys.exit(f"error: {error}")


def watch(location: str, watches: Sequence[Watch], ended: threading.Event, parent: int) -> None:
    """Test windows and send verdicts until `ended` is set.

    Args:
        location: of the store.
        watches: what is tested.
        ended: looked at every POLL_SECONDS.
        parent: process identifier of the one that started this; when another one has taken its
            place, this ends. 0 for nobody.

    Raises:
        KanariaError: a detector cannot be loaded, or the store not opened.
    """
    loaded = [Watched(watch=one, fitted=detectors(one.detector)) for one in watches]
    store, reader = open_store(location), open_reader(location)
    delivery = Delivery(store, reader, watches)
    runner = Runner(store, reader, loaded, delivery.add)
    while not ended.is_set() and parent in (0, os.getppid()):
        began = time.monotonic()
        tested = runner.turn(time.time())
        delivery.turn(time.time())
        took = time.monotonic() - began
        ended.wait(0 if tested else max(POLL_SECONDS, LEAST_REST * took))
    reader.close()
    store.close()


def detectors(uri: str) -> Callable[[str], Fitted]:
    """Return what gives the detector of a model version, each loaded once.

    Args:
        uri: of one folder for all versions, which is loaded now; or with {version} in it.

    Raises:
        KanariaError: the one folder cannot be fetched, or holds none.
    """
    if VERSION not in uri:
        whole = load(uri)
        return lambda _: whole
    return cache(lambda version: load(uri.replace(VERSION, _checked(version))))


def _checked(version: str) -> str:
    """Return a version that may stand in a path: events come from anywhere."""
    if not re.fullmatch(NAME, version):
        raise DataError(f"version {shown(version)}: it names no release; see the annotation")
    return version


def load(uri: str) -> Fitted:
    """Return the detector in the folder at `uri`.

    Raises:
        KanariaError: it cannot be fetched, or is none.
    """
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        detector, reference = saved.load(storage.fetched(uri, Path(folder)))
    return Fitted(detector=detector, reference=reference)


if __name__ == "__main__":
    main()

"""Asks a canary again what the stable version was asked: the shadow for where nothing mirrors.

    python -m kanaria.serving.payload_log.replay --store LOCATION --namespace team --service tips
        --stable 7d0c2a91 --canary 41fe0b3d --to http://.../v1/models/tips:predict [--rate 20]

Requests are read from the payload log and posted to the canary's own URL under their X-Request-Id,
so that in the payload log both answers meet; nobody waits for the canary's. What it was asked is
read from the log too: a replay that starts again goes on, and two side by side cost repetitions,
no gaps. Requests without an X-Request-Id, and binary tensors, whose lengths stood in a header that
is not logged, are left out.
"""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import httpx

from kanaria.components.shared.command_line import Parser, code_of
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown
from kanaria.serving.payload_log.exchanges import Exchange, Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, VERSION_ANNOTATION

logger = logging.getLogger(__name__)
GRACE_SECONDS = 5.0
"""After which a request's event has arrived, though its response's came first."""
LATE_SECONDS = 300.0
"""How late an event may arrive and still be replayed."""
FOREVER = 1e12
TIMEOUT_SECONDS = 60.0
TELL_SECONDS = 60.0
JSON = {"Content-Type": "application/json"}


@dataclass(kw_only=True)
class Replay:
    """What is asked again, and what was already.

    Attributes:
        reader: of the payload log.
        stable: whose requests are replayed.
        canary: whose exchanges tell what was replayed already.
        since: seconds since 1970; earlier requests are not replayed.
    """

    reader: Reader
    stable: Stream
    canary: Stream
    since: float
    _request_ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take up what an earlier replay has done."""
        exchanges = self.reader.by_time(self.canary, self.since, FOREVER)
        self._request_ids = {exchange.request_id for exchange in exchanges}
        self._read = self.since

    def pending(self, now: float) -> Iterator[Exchange]:
        """Yield the requests that the canary was not asked yet, in the order of time; each once.

        Args:
            now: seconds since 1970; what is younger than the grace may still be incomplete.
        """
        begin, end = max(self.since, self._read - LATE_SECONDS), now - GRACE_SECONDS
        for exchange in self.reader.by_time(self.stable, begin, end):
            if exchange.request_id in self._request_ids or not _is_json(exchange.request):
                continue
            if exchange.request_id:
                self._request_ids.add(exchange.request_id)
                yield exchange
        self._read = max(self._read, end)


def _is_json(request: bytes | None) -> bool:
    text = (request or b"").strip()
    return text.startswith(b"{") and text.endswith(b"}")


def run(replay: Replay, url: str, rate: float) -> Iterator[str]:
    """Post what is pending and what comes, at most `rate` requests a second, for ever.

    Yields:
        What became of each: the code of the answer, or "unreachable".
    """
    pause = 1.0 / rate
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        while True:
            for exchange in replay.pending(time.time()):
                began = time.monotonic()
                yield _post(client, url, exchange)
                time.sleep(max(0.0, pause - (time.monotonic() - began)))
            time.sleep(max(pause, 1.0))


def _post(client: httpx.Client, url: str, exchange: Exchange) -> str:
    headers = JSON | {REQUEST_ID_HEADER: exchange.request_id}
    try:
        answer = client.post(url, headers=headers, content=exchange.request or b"")
    except httpx.TransportError as error:
        logger.warning("%s: %s", url, error)
        return "unreachable"
    return str(answer.status_code)


def _main() -> int:
    """Replay until the process is ended; say each minute what became of it."""
    parser = Parser(prog="python -m kanaria.serving.payload_log.replay", description=__doc__)
    parser.add_argument("--store", required=True, help="the drift server's")
    own = os.environ.get("KANARIA_NAMESPACE", "default")
    parser.add_argument("--namespace", default=own, help="of the service; %(default)s")
    parser.add_argument("--service", required=True, help="as the payload log names the stable one")
    parser.add_argument("--canary-service", default="", help="if its name differs (Standard mode)")
    parser.add_argument("--stable", required=True, help=f"its {VERSION_ANNOTATION}")
    parser.add_argument("--canary", required=True, help=f"its {VERSION_ANNOTATION}")
    parser.add_argument("--to", required=True, help="URL at which the canary alone predicts")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second, at most")
    parser.add_argument("--hours", type=float, default=0.0, help="how far back to begin")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _check(options)
    _replay(options)
    return 0


def _check(options: argparse.Namespace) -> None:
    faults = Faults("replay")
    fits = options.to.startswith(("http://", "https://"))
    faults.check(fits, "--to", options.to, "give the URL, as http://.../v1/models/NAME:predict")
    faults.check(options.rate > 0, "--rate", options.rate, "use more than 0")
    faults.check(options.hours >= 0, "--hours", options.hours, "use 0 or more")
    same = options.canary == options.stable and not options.canary_service
    faults.check(not same, "--canary", options.canary, "name a version other than the stable one")
    faults.raise_if_any()


def _replay(options: argparse.Namespace) -> None:
    stable = Stream(namespace=options.namespace, service=options.service, version=options.stable)
    canary = Stream(
        namespace=options.namespace,
        service=options.canary_service or options.service,
        version=options.canary,
    )
    since = time.time() - options.hours * 3600
    with closing(open_reader(options.store)) as reader:
        replay = Replay(reader=reader, stable=stable, canary=canary, since=since)
        last_line, became = time.monotonic(), Counter[str]()
        logger.info("replaying %s to %s", shown(options.stable), options.to)
        for outcome in run(replay, options.to, options.rate):
            became[outcome] += 1
            if time.monotonic() - last_line > TELL_SECONDS:
                logger.info("replayed so far: %s", dict(became))
                last_line = time.monotonic()


if __name__ == "__main__":
    sys.exit(code_of(_main))

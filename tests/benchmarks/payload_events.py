"""What the drift server bears: a minute of payload events, with a kill -9 and a restart in it.

Usage: payload_events.py [--rate 1000] [--seconds 60] [--reconnect] [--store postgresql://...]

5 % of the events are repeated, 5 % reordered, 1 % malformed. What was not answered because of the
kill is sent again, as a broker does. --reconnect takes a new connection for each event, as
KServe's agent does. Without --store, which is to be empty, a file is written. The sender is a
process of its own on the same machine.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uvloop

from kanaria.serving.payload_log.open_store import open_reader

sys.path.insert(0, str(Path(__file__).parents[2] / "serving/drift_server/tests"))
from event_sender import Outcomes, Sender, Server, plan


def sending(
    port: int, options: argparse.Namespace, results: "multiprocessing.Queue[Outcomes]"
) -> None:
    """Send the plan, then again what got no answer."""
    sender = Sender(port, 32, reconnect=options.reconnect)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(sender.send(plan(options.rate, options.seconds, seed=1)))
    again, sender.outcomes.unanswered = sender.outcomes.unanswered, []
    cut = len(again)
    if again:
        asyncio.run(sender.send(again))
    assert not sender.outcomes.unanswered
    sender.outcomes.unanswered = again[:0]
    sender.outcomes.codes[0] = cut
    results.put(sender.outcomes)


def watch(server: Server, megabytes: list[tuple[float, float]], done: threading.Event) -> None:
    """Note the server's memory each second."""
    began = time.monotonic()
    while not done.wait(1):
        try:
            megabytes.append((time.monotonic() - began, server.megabytes()))
        except (OSError, IndexError):
            continue


def halves(location: str) -> list[tuple[str, str]]:
    """Return the id and the kind of every event that is kept."""
    reader = open_reader(location)
    exchanges = [e for s in reader.streams() for e in reader.by_number(s, 0, 10**12)]
    requests = [(e.id, "request") for e in exchanges if e.request is not None]
    return requests + [(e.id, "response") for e in exchanges if e.response is not None]


def quantiles(outcomes: Outcomes, wanted: Callable[[float], bool]) -> list[float]:
    """Return p50, p90, p99, p99.9 and the largest of the answers' times that are wanted."""
    times = [ms for at, ms in outcomes.milliseconds if wanted(at)]
    return [round(float(value), 1) for value in np.percentile(times, [50, 90, 99, 99.9, 100])]


def main() -> None:
    """Print what was seen as JSON; fail if an event was lost or counted twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--reconnect", action="store_true")
    parser.add_argument("--store", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.store or f"{folder}/events.db", Path(folder))
        server.start()
        server.wait()
        results: multiprocessing.Queue[Outcomes] = multiprocessing.Queue()
        work = multiprocessing.Process(target=sending, args=(server.port, options, results))
        megabytes: list[tuple[float, float]] = []
        done = threading.Event()
        watcher = threading.Thread(target=watch, args=(server, megabytes, done))
        began = time.monotonic()
        work.start()
        watcher.start()
        time.sleep(options.seconds / 2)
        server.kill()
        server.start()
        server.wait()
        outcomes = results.get()
        work.join()
        seconds = time.monotonic() - began
        done.set()
        watcher.join()
        cpu = os.times().children_user + os.times().children_system
        ticks = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
        server_cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        server.stop()
        stored = halves(server.store)
        files = [Path(f"{server.store}{end}") for end in ("", "-wal")]
        size = sum(file.stat().st_size for file in files if file.exists())
    half = options.seconds / 2
    planned = {s.key for s in plan(options.rate, options.seconds, seed=1) if s.key}
    lost, twice = outcomes.acknowledged - set(stored), len(stored) - len(set(stored))
    print(json.dumps({
        "events": len(outcomes.milliseconds), "seconds": round(seconds, 1),
        "codes": outcomes.codes, "sender behind by s": round(outcomes.behind, 3),
        "answer ms p50, p90, p99, p99.9, max": quantiles(outcomes, lambda _at: True),
        "the same but for 5 s after the kill":
            quantiles(outcomes, lambda at: not half <= at <= half + 5),
        "kept": len(stored), "planned": len(planned),
        "acknowledged and lost": len(lost), "counted twice": twice,
        "never sent and kept": len(set(stored) - planned),
        "memory MB by s": " ".join(f"{at:.0f}:{mb:.0f}" for at, mb in megabytes[:: 5]),
        "cpu s of the second server": server_cpu, "cpu s of the sender": round(cpu, 1),
        "file MB": round(size / 2**20), "load": os.getloadavg(),
    }, indent=1))  # fmt: skip
    sys.exit(bool(lost or twice or set(stored) != planned))


if __name__ == "__main__":
    main()

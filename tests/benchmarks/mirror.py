"""What a shadow costs the clients of the stable revision: their latency with and without it.

Usage: mirror.py [--rate 100] [--seconds 20]

A router before stand-in predictors, each a process of its own; the stable one answers at once.
Requests are sent at a fixed rate, however fast the answers come, and a latency counts from the
moment a request was due. The kinds of shadow take turns, so that the machine's noise hits all.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "serving/local/tests"))
from stand_ins import BODY, SHADOW, STABLE, Live, StandIn, mirrored, routed, serving

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic

SHADOWS = {
    "no mirror": None,
    "good": StandIn(),
    "slow, 200 ms": StandIn(seconds=0.2),
    "errors, 500": StandIn(code=500),
    "hangs, 60 s": StandIn(hangs=True),
    "dead": StandIn(dead=True),
}
ROUNDS = 4
WARM_UP_SECONDS = 1.0


def predict(stand_in: StandIn, ports: "multiprocessing.Queue[int]") -> None:
    """Be a predictor."""

    async def run() -> None:
        async with serving(stand_in.answer) as port:
            ports.put(port)
            await asyncio.Event().wait()

    asyncio.run(run())


def route(shadow: str, ports: dict[str, int], urls: "multiprocessing.Queue[str]") -> None:
    """Be a router whose shadow is of a kind."""
    shares = (RevisionTraffic(revision=STABLE, percent=100),)
    copies = mirrored(100) if SHADOWS[shadow] else None

    async def run() -> None:
        async with routed(Live(ports=ports, shares=shares, shadow=copies)) as url:
            urls.put(url)
            await asyncio.Event().wait()

    asyncio.run(run())


async def measured(url: str, rate: float, seconds: float) -> tuple[list[float], Counter[int]]:
    """Return the milliseconds of each answer from when it was due, and the codes."""
    milliseconds: list[float] = []
    codes: Counter[int] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def ask(due: float) -> None:
            await asyncio.sleep(due - time.perf_counter())
            async with client.post(f"{url}/v1/models/tips:predict", json=BODY) as answer:
                await answer.read()
            codes[answer.status] += 1
            milliseconds.append((time.perf_counter() - due) * 1000)

        begin = time.perf_counter() + 0.1
        await asyncio.gather(*(ask(begin + n / rate) for n in range(int(rate * seconds))))
    return milliseconds, codes


@asynccontextmanager
async def processes():
    """Start every predictor and a router for each kind of shadow; yield the routers' URLs."""
    started: list[multiprocessing.Process] = []

    def begun(target, *arguments):
        queue: multiprocessing.Queue = multiprocessing.Queue()
        started.append(
            multiprocessing.Process(target=target, args=(*arguments, queue), daemon=True)
        )
        started[-1].start()
        return queue.get()

    try:
        stable, urls = begun(predict, StandIn()), {}
        for name, shadow in SHADOWS.items():
            lives = shadow is not None and not shadow.dead
            port = begun(predict, shadow) if lives else 9
            urls[name] = begun(route, name, {STABLE: stable, SHADOW: port})
        yield urls
    finally:
        for process in started:
            process.terminate()


async def compare(rate: float, seconds: float) -> None:
    """Print a line for each kind of shadow."""
    by_shadow: dict[str, list[float]] = {name: [] for name in SHADOWS}
    codes: dict[str, Counter[int]] = {name: Counter() for name in SHADOWS}
    async with processes() as urls:
        for url in urls.values():
            await measured(url, rate, WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            for name, url in urls.items():
                milliseconds, answered = await measured(url, rate, seconds / ROUNDS)
                by_shadow[name] += milliseconds
                codes[name] += answered
    print(f"{rate:g} requests/s, {seconds:g} s each; milliseconds of the stable revision's answers")
    for name, milliseconds in by_shadow.items():
        p50, p95, p99 = np.quantile(milliseconds, [0.5, 0.95, 0.99])
        counts = json.dumps(dict(codes[name]))
        print(f"{name:14} p50 {p50:6.2f}  p95 {p95:6.2f}  p99 {p99:6.2f}  codes {counts}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    asyncio.run(compare(options.rate, options.seconds))


if __name__ == "__main__":
    main()

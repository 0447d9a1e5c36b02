"""The drift server beside the demonstration, and what its store says of each model version."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from kanaria.components.shared import release
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.drift import saved
from kanaria.serving.drift.report import describe, wording
from kanaria.serving.drift.report.records import Watched, Window
from kanaria.serving.drift_server.exchanges import Exchange, Stream
from kanaria.serving.drift_server.payloads import read_columns
from kanaria.serving.drift_server.reading import Reader

START_SECONDS, POLL_SECONDS = 60, 0.1
Quality = Mapping[str, Any]
"""What `GET /quality` answers."""


@contextmanager
def received(store: Path, port: int) -> Iterator[str]:
    """Keep payload events and labels in `store` for the block's time; yield the server's URL.

    Raises:
        NotReadyError: the drift server does not start.
    """
    url, log = f"http://127.0.0.1:{port}", store.with_suffix(".log")
    command = [sys.executable, "-m", "kanaria.serving.drift_server"]
    command += ["--store", str(store), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(f"the drift server did not start; see {log}")
            time.sleep(POLL_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def drifts(store: Path, releases: Path, begin: float) -> list[Watched]:
    """Return, version by version, how its requests compare with the rows it was trained on.

    Args:
        store: file of the drift server.
        releases: folder of the service's releases, named by their version.
        begin: of the requests, in seconds since 1970.
    """
    with closing(Reader(store)) as reader:
        found = {s: list(reader.by_time(s, begin, time.time())) for s in reader.streams()}
    return [
        Watched(name=_name(stream), windows=(_window(releases / stream.version, exchanges),))
        for stream, exchanges in found.items()
        if exchanges
    ]


def _name(stream: Stream) -> str:
    return f"{stream.service}, version {stream.version}"


def _window(folder: Path, exchanges: Iterable[Exchange]) -> Window:
    detector, reference = saved.load(folder / release.DRIFT_DETECTOR)
    parts = [read_columns(one.request) for one in exchanges if one.request]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    result = detector.test(reference, columns)
    return describe.window(result, reference, columns, name="the traffic of this run")


def drift_table(watched: Watched) -> str:
    """Return the features of the newest window, the largest effect first, a line each."""
    (window,) = watched.windows
    lines = [f"{'feature':20} {'effect':>7} {'95 % interval':>16} {'p-value':>9}  verdict"]
    for feature in wording.by_effect(window):
        effect = feature.effect
        interval = f"{effect.low:.3f} – {effect.high:.3f}"
        verdict = "drifted" if feature.drifted else "stable" if feature.enough else "too few rows"
        lines.append(
            f"{feature.feature:20} {effect.value:7.3f} {interval:>16} "
            f"{feature.p_value or 0:9.2g}  {verdict}"
        )
    return "\n".join(lines)


def qualities(url: str, watched: Iterable[Stream], begin: float) -> list[Quality]:
    """Return what the labels that have come say of each version since `begin`.

    Raises:
        NotReadyError: the drift server does not answer.
    """
    span = {"begin": _moment(begin), "end": _moment(time.time())}
    found = []
    for stream in watched:
        asked = {"namespace": stream.namespace, "service": stream.service, "task": "binary"}
        asked |= {"version": stream.version, **span}
        response = httpx.get(f"{url}/quality", params=asked, timeout=60.0)
        if response.status_code != httpx.codes.OK:
            raise NotReadyError(f"{response.url}: {response.text}")
        found.append(response.json())
    return found


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()

"""The drift server beside the demonstration, and what its store says of each model version."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from kanaria.components.shared.artifacts import release, verified_release
from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.components.shared.storage import atomic, owner_only_files
from kanaria.serving.drift import report_records, saved_detector
from kanaria.serving.drift.report import report_page, verdict_wording
from kanaria.serving.drift.report_records import Metric, Report, Watched, Window
from kanaria.serving.drift_token import DRIFT, TRIGGER
from kanaria.serving.drift_watch.examine_window import Fitted, examine
from kanaria.serving.drift_watch.label_window import judged
from kanaria.serving.drift_watch.watch_file import LabelSettings, Watch
from kanaria.serving.drift_watch.window_columns import read
from kanaria.serving.drift_watch.window_runner import DRIFTED
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import OF_LABELS, Exchange, Stream, Verdict
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.store_writer import Store

START_SECONDS, POLL_SECONDS = 60, 0.1
TOKENS = (DRIFT.token, DRIFT.file, TRIGGER.token, TRIGGER.file)
QUIET_SECONDS = 30
"""After which an event that has not come is taken for lost."""
LABELS = LabelSettings(task=Task.BINARY)
NAME = str(Watch.model_fields["name"].default)
"""Of what is found, in the store: that of a watch which is given none."""


@contextmanager
def received(store: Path, *options: str) -> Iterator[Callable[[], str]]:
    """Keep payload events and labels in `store` for the block's time.

    The drift server starts beside what the block does first. Yields what waits until it takes
    events, and returns its URL; that raises a NotReadyError when the server does not start.

    Args:
        store: file of the drift server.
        options: of it, beside its store and its port.
    """
    port = free_port()
    command = [sys.executable, "-m", "kanaria.serving.drift_server", "--store", str(store)]
    with beside([*command, *options], port, store.with_suffix(".log")) as ready:
        yield ready


@contextmanager
def beside(command: Sequence[str], port: int, log: Path) -> Iterator[Callable[[], str]]:
    """Run a server of ours on a port for the block's time.

    Args:
        command: that starts it, without its port.
        port: a free one.
        log: where it writes what it says.
    """
    url = f"http://127.0.0.1:{port}"
    # Whatever token the shell has is another server's.
    environment = {n: v for n, v in os.environ.items() if n not in TOKENS}
    command = [*command, "--port", str(port)]
    with owner_only_files.opened(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def ready() -> str:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(f"a server did not start; see {log}")
            time.sleep(POLL_SECONDS)
        return url

    try:
        yield ready
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def wait_for(store: Path, begin: float, rows: int) -> None:
    """Wait until what was asked and answered is in the store; events are sent beside the traffic.

    Args:
        store: file of the drift server.
        begin: of the requests, in seconds since 1970.
        rows: asked since, in requests that were answered.

    Raises:
        NotReadyError: nothing more comes, and not all is there: the payload log lost events.
    """
    came, deadline = 0, time.monotonic() + QUIET_SECONDS
    with closing(open_reader(str(store))) as reader:
        while came < rows:
            coverages = [reader.coverage(each, begin, time.time()) for each in reader.streams()]
            now = sum(each.rows for each in coverages if each)
            if now > came:
                came, deadline = now, time.monotonic() + QUIET_SECONDS
            elif time.monotonic() > deadline:
                raise NotReadyError(f"{store}: the payload log lost {rows - came} of {rows} rows")
            time.sleep(POLL_SECONDS)


def watched(store: Path, releases: Path, begin: float) -> list[Watched]:
    """Return what was seen of each version: its requests beside its training rows, its quality.

    It is kept in the store, where `kanaria drift status` and `report` find it.

    Args:
        store: file of the drift server, which has ended.
        releases: folder of the service's releases, named by their version.
        begin: of the requests, in seconds since 1970.

    Raises:
        DataError: a release holds no drift detector.
    """
    with closing(open_reader(str(store))) as reader:
        exchanges_of = {s: list(reader.by_time(s, begin, time.time())) for s in reader.streams()}
    with closing(open_store(str(store))) as event_store:
        return [
            _watched(event_store, stream, exchanges, releases / stream.version)
            for stream, exchanges in exchanges_of.items()
            if exchanges
        ]


def _watched(
    store: Store, stream: Stream, exchanges: Sequence[Exchange], release_folder: Path
) -> Watched:
    last = max(exchange.number for exchange in exchanges)
    window = replace(_window(release_folder, exchanges), last=last)
    labels = judged(exchanges, LABELS, ())
    verdict = Verdict(
        stream=stream,
        detector=NAME,
        begin=window.begin or 0.0,
        end=window.end or 0.0,
        rows=window.rows,
        drifted=DRIFTED.get(window.verdict),
        document=report_records.dump_window(window),
    )
    of_labels = replace(
        verdict,
        detector=f"{NAME}{OF_LABELS}",
        drifted=bool(labels.changes),
        document=report_records.dump_labels(labels),
    )
    for one in (verdict, of_labels):
        store.keep_verdict(one.detector, 0, last, one)
    return Watched(
        name=f"{stream.service}, version {stream.version}", windows=(window,), labels=(labels,)
    )


def _window(folder: Path, exchanges: Iterable[Exchange]) -> Window:
    with verified_release.opened(str(folder), release.DRIFT_DETECTOR) as part:
        if part is None:
            raise DataError(f"{folder}: the release has no drift detector")
        detector, reference = saved_detector.load(part)
    fitted = Fitted(detector=detector, reference=reference)
    rows = read(exchanges)
    if rows is None:
        raise DataError(f"{folder}: the model was asked nothing")
    return examine(rows, fitted, binary=True)


def drift_table(watched: Watched) -> str:
    """Return the features of the newest window, the largest effect first, a line each."""
    (window,) = watched.windows
    lines = [f"{'feature':20} {'effect':>7} {'95 % interval':>16} {'p-value':>9}  verdict"]
    for feature in verdict_wording.by_effect(window):
        effect = feature.effect
        interval = f"{effect.low:.3f} – {effect.high:.3f}"
        verdict = "drifted" if feature.drifted else "stable" if feature.enough else "too few rows"
        lines.append(
            f"{feature.feature:20} {effect.value:7.3f} {interval:>16} "
            f"{feature.p_value or 0:9.2g}  {verdict}"
        )
    return "\n".join(lines)


def quality_table(watched: Sequence[Watched]) -> str:
    """Return what the labels that have come say, a line a version."""
    headers = f"{'accuracy':>22} {'AUC':>22}"
    lines = [f"{'':40} {'rows':>6} {'labelled':>8} {'lag':>6} {headers}"]
    for one in watched:
        (labels,) = one.labels
        metrics = {metric.name: metric for metric in labels.metrics}
        bands = " ".join(f"{_band(metrics.get(name)):>22}" for name in ("accuracy", "auc"))
        lag = "–" if labels.lag is None else f"{labels.lag:.1f} s"
        lines.append(f"{one.name:40} {labels.rows:6} {labels.coverage:8.1%} {lag:>6} {bands}")
    return "\n".join(lines)


def _band(metric: Metric | None) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f}–{metric.high:.3f})" if metric else "–"


def write_report(watched: Sequence[Watched], folder: Path) -> Path:
    """Write `drift.html` and its twin `drift.json`; return the path of the page."""
    report = Report(title="Flights: drift", created=time.time(), watched=tuple(watched))
    atomic.write_text(folder / "drift.json", report_records.dump(report))
    atomic.write_text(folder / "drift.html", report_page.render(report))
    return folder / "drift.html"

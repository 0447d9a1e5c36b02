"""The demonstration, run by `make demo`.

Trains on the winter and deploys; trains on January to May and pushes that as a 10 % canary; sends
the summer's flights to the endpoint, day by day, and tells a day later which of them were late. A
drift server gets the payload log and these labels. Prints what each revision did, which features
drifted from its training months, and its quality. The service starts from nothing every time, and
every step that can be reused is.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from kanaria.components.shared.command_line import code_of, program, say, typed
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import atomic, owner_only_files
from kanaria.pipelines.flights import drift_watch, traffic
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local import endpoint
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import all_runs
from kanaria.serving.drift.report_records import Watched
from kanaria.serving.local.background_server import served
from kanaria.serving.local.state import state_folder

SERVICE = "flights-delay"
REQUESTS = 3000
"""Of which the canary answers about 300: of 200 its drift of wind speed cannot be told yet."""
KEEP_WARM = 1
"""For how many minutes the first training's imports are kept; the second follows at once."""
EVENTS = "events.sqlite"
CONFIG = Path(__file__).with_name("train.yaml")


def train(title: str, root: Root, files: Sequence[Path], logger_url: str) -> None:
    """Run the pipeline as a user would; a run that fails ends the demonstration."""
    say(f"\n{title}")
    kanaria = Path(sys.executable).with_name("kanaria")
    data = ",".join(map(str, files))
    command = [str(kanaria), "run", "train_and_deploy", "--config", str(CONFIG)]
    command += ["--set", f"data={data}", "--set", f"service.logger.url={logger_url}"]
    command += ["--root", str(root.path), "--keep-warm", str(KEEP_WARM)]
    if subprocess.run(command, check=False).returncode:
        raise KanariaError(f"{title}: the run failed")


def _table(summaries: Sequence[traffic.Summary]) -> str:
    lines = [
        f"{'revision':32} {'requests':>8} {'share':>7} {'errors':>6} {'p50 ms':>7} {'p99 ms':>7} "
        f"{'accuracy':>8} {'AUC':>6}"
    ]
    lines += [
        f"{s.revision:32} {s.requests:8} {s.share:7.1%} {s.errors:6} {s.p50_ms:7.1f} "
        f"{s.p99_ms:7.1f} {s.accuracy:8.3f} {s.auc:6.3f}"
        for s in summaries
    ]
    return "\n".join(lines)


def demo(folder: Path) -> int:
    """Run the demonstration in `folder` and return the exit code."""
    root = Root(path=owner_only_files.folder(folder.resolve()))
    if not state_folder.live_url(root.serving):  # Else `served` says so, and nothing is lost.
        atomic.remove(root.serving / "default" / SERVICE)
    store = new_store(root)
    # The service ends first: then its last events still have somewhere to go.
    with drift_watch.received(store) as ready:
        months = prepare(root.path / "data")
        with served(root.serving) as url:
            watcher = ready()
            train("January to March: train and deploy", root, months[:3], watcher)
            train("January to May: train and push as a 10 % canary", root, months[:5], watcher)
            say(f"\nFlights of June to August, {REQUESTS} requests to {url}; labels a day later")
            began = time.time()
            days = traffic.by_day(traffic.flights(months[5:8], REQUESTS))
            endpoint = f"{url}/v1/models/{SERVICE}:predict"
            answers = traffic.send(endpoint, days, f"{watcher}/labels")
            drift_watch.wait_for(
                store, began, sum(answer.code == HTTPStatus.OK for answer in answers)
            )
    summaries = traffic.summarize(answers)
    say(f"\n{_table(summaries)}")
    watched = drift_watch.watched(store, root.models / SERVICE, began)
    _tell_drift(watched)
    _tell_what_is_left(root, drift_watch.write_report(watched, root.path))
    is_whole = len(summaries) == len(watched) == 2 and not any(s.errors for s in summaries)
    return int(not is_whole)


def new_store(root: Root) -> Path:
    """Return the file of the drift server's store, which is not there yet."""
    for path in root.path.glob(f"{EVENTS}*"):
        atomic.remove(path)
    return root.path / EVENTS


def _tell_what_is_left(root: Root, drift: Path) -> None:
    """Say what may be looked at and asked now, in lines that can be typed as they stand."""
    newest = all_runs(root.runs)[-1]
    commands = endpoint.lines(newest, root).commands
    store = typed(root.path / EVENTS)
    for title, line in (
        ("Drift", str(drift)),
        ("The same in lines", f"{program()} drift status --store {store}"),
        ("The same as a page", f"{program()} drift report --store {store}"),
        *zip(("Serve it again", "Ask it then"), commands, strict=False),
        ("Report", str(root.runs / newest.run_id / "index.html")),
    ):
        say(f"{title}: {line}")


def _tell_drift(versions: Sequence[Watched]) -> None:
    for version in versions:
        say(f"\n{version.name}: its requests beside the rows it was trained on")
        say(drift_watch.drift_table(version))
    say("\nQuality by the labels that have come (95 % bands; the last day's are still missing)")
    say(f"{drift_watch.quality_table(versions)}\n")


def main() -> None:
    """Run in `.kanaria/demo` of the current folder."""
    sys.exit(code_of(lambda: demo(Path(".kanaria/demo"))))


if __name__ == "__main__":
    main()

"""The demonstration, run by `make demo`.

Trains on January to April and deploys; trains on January to August and pushes that as a 10 %
canary; sends flights of September to December to the endpoint; prints what each revision did.
The service starts from nothing every time, and every step that can be reused is.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kanaria.components.shared import atomic
from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.flights import traffic
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local.record import all_runs
from kanaria.pipelines.local.run import Root
from kanaria.serving.local import store
from kanaria.serving.local.background import served

SERVICE = "flights-delay"
REQUESTS = 3000
CONFIG = Path(__file__).with_name("train.yaml")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _train(title: str, root: Root, files: Sequence[Path]) -> None:
    """Run the pipeline as a user would; a run that fails ends the demonstration."""
    _say(f"\n{title}")
    kanaria = Path(sys.executable).with_name("kanaria")
    data = ",".join(map(str, files))
    command = [str(kanaria), "run", "train_and_deploy", "--config", str(CONFIG)]
    command += ["--set", f"data={data}", "--root", str(root.path)]
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
    root = Root(path=folder.resolve())
    months = prepare(folder.resolve() / "data")
    if not store.live_url(root.serving):  # Else `served` says so, and nothing is lost.
        atomic.remove(root.serving / "default" / SERVICE)
    with served(root.serving) as url:
        _train("January to April: train and deploy", root, months[:4])
        _train("January to August: train and push as a 10 % canary", root, months[:8])
        _say(f"\nFlights of September to December, {REQUESTS} requests to {url}")
        answers = traffic.send(
            f"{url}/v1/models/{SERVICE}:predict", traffic.flights(months[8:], REQUESTS)
        )
    summaries = traffic.summarize(answers)
    _say(f"\n{_table(summaries)}")
    _say("Accuracy (at 0.5) and AUC are over the flights that the revision answered for.\n")
    report = root.runs / all_runs(root.runs)[-1].run_id / "index.html"
    _say(f"Report: {report}")
    _say(f"Serve it again: kanaria serve --state {root.serving}")
    return int(len(summaries) != 2 or any(summary.errors for summary in summaries))


def main() -> None:
    """Run in `.kanaria/demo` of the current folder."""
    try:
        code = demo(Path(".kanaria/demo"))
    except KanariaError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()

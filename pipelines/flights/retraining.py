"""Drift that starts a retraining by itself, run by `make demo-drift`.

A model of January to March is served; the summer's flights are sent to it. The drift server finds
that they drifted and sends its verdict to a trigger server, which starts `retrain`: it trains the
live model on with the months up to August and rolls the result out under a policy. Each link of
the chain is one line. Verdicts that come meanwhile, and within the cool-down, start nothing, and
why is told as well.
"""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from kanaria.components.shared.artifacts import trigger_cause
from kanaria.components.shared.command_line import code_of, program, say, typed
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.storage import atomic, owner_only_files
from kanaria.pipelines.flights import drift_watch, traffic
from kanaria.pipelines.flights.demo import CONFIG, SERVICE, new_store, train
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local import record
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.serving.local.background_server import served
from kanaria.serving.local.state import state_folder
from kanaria.serving.triggers.decision import Reason

TRIGGER = "retrain-flights"
WINDOW_ROWS = 300
ROWS_OF_REQUEST, PAUSE_SECONDS = 3, 0.12
"""About 25 rows a second, beside a training on the same cores."""
POLICY = {
    "steps": [{"percent": 50, "minimum_requests": 50, "minimum_minutes": 0}],
    "warm_up": {"minutes": 0, "requests": 10},
    # The machine trains and serves at once, so slow answers say nothing of the model; what is
    # tolerated is large, so that a few hundred requests decide.
    "gates": {"latency": False, "errors": {"tolerated": 0.03}, "refusals": {"tolerated": 0.03}},
}
POLL_SECONDS, PATIENCE = 0.5, 1800.0
STEPS = ("train-model", "push-model", "rollout-model")


def _files(root: Root, months: Sequence[Path], drift_url: str) -> Path:
    """Write the policy and the file of triggers; return the latter's path."""
    policy = root.path / "policy.yaml"
    atomic.write_text(policy, yaml_text.dump(POLICY))
    values = {
        "data": ",".join(map(str, months)),
        "service.logger.url": drift_url,
        "rollout_policy_file": str(policy),
    }
    trigger = {
        "name": TRIGGER,
        "when": [{"drift": {"service": SERVICE, "namespace": "default"}}],
        "start": {"pipeline": "retrain", "config": str(CONFIG), "set": values},
        "cool_down": "6h",
    }
    runs = {"where": "here", "root": str(root.path)}
    path = root.path / "triggers.yaml"
    document = {"runs": runs, "drift_server": drift_url, "triggers": [trigger]}
    atomic.write_text(path, yaml_text.dump(document))
    return path


def _watch(root: Root, trigger_url: str) -> Path:
    """Write what the drift server watches, and to whom it tells its verdicts; return the path."""
    watch = {
        "service": SERVICE,
        "namespace": "default",
        "detector": f"{root.models / SERVICE}/{{version}}/drift_detector",
        "window": {"rows": WINDOW_ROWS},
        "verdicts_to": f"{trigger_url}/cloudevents",
    }
    path = root.path / "watch.yaml"
    atomic.write_text(path, yaml_text.dump([watch]))
    return path


@contextmanager
def _ended_runs(root: Root) -> Iterator[None]:
    """End what the trigger server has started and what goes on after the block, as after Ctrl-C."""
    try:
        yield
    finally:
        for folder in root.runs.glob(f"{TRIGGER}-*"):
            if record.stop(folder):
                say(f"ended the run {folder.name}")


@contextmanager
def _steady_requests(url: str, flights: Sequence[traffic.Flight]) -> Iterator[None]:
    """Send flights to the endpoint, over and over, for the block's time."""
    ended = threading.Event()
    rows = itertools.cycle([flight.features for flight in flights])

    def send() -> None:
        with httpx.Client(timeout=30.0) as client:
            while not ended.wait(PAUSE_SECONDS):
                body = {"instances": list(itertools.islice(rows, ROWS_OF_REQUEST))}
                client.post(url, content=json.dumps(body))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()


class _Teller:
    """Tells each link of the chain once, as it comes to be."""

    def __init__(self, root: Root, trigger_url: str) -> None:
        self._root, self._url = root, trigger_url
        self._link_keys: set[str] = set()

    def look(self) -> list[dict[str, Any]]:
        """Tell what is new; return what became of each verdict."""
        rows: list[dict[str, Any]] = httpx.get(f"{self._url}/triggers").json()
        for row in rows:
            if row["run_id"]:
                self._tell("started", "verdict", row["what"])
                self._tell_run(row)
            elif row["reason"]:  # One of many that come while the run goes on.
                self._tell(f"verdict {row['reason']}", "verdict", row["what"])
                why = f"{TRIGGER} refused, {row['reason']}: {row['why']}"
                self._tell(f"refused {row['reason']}", "trigger", why)
        return rows

    def _tell_run(self, row: dict[str, Any]) -> None:
        run = record.read(self._root.runs / row["run_id"])
        if run is None:
            return
        cause = trigger_cause.in_words(run.arguments.get(trigger_cause.PARAMETER))
        self._tell(f"{row['run_id']} started", "trigger", f"{row['run_id']} by {cause}")
        for task in run.tasks:
            step = task.name.rpartition("/")[2]
            if step in STEPS and task.state in (State.SUCCEEDED, State.REUSED, State.FAILED):
                self._tell(f"{run.run_id} {step}", *_link(step, task, run))

    def _tell(self, key: str, link: str, text: str) -> None:
        if key not in self._link_keys:
            self._link_keys.add(key)
            say(f"{time.strftime('%H:%M:%S')} {link:8} {text}")


def _link(step: str, task: TaskRecord, run: RunRecord) -> tuple[str, str]:
    """Return the name of a link of the chain, and what a task says of it."""
    if task.cause:
        return "run", f"{step}: {task.cause}"
    if step == STEPS[0]:
        base = task.metadata["model"].get("base_model", "nothing")
        return "run", f"{run.run_id} trained on from {base}"
    if step == STEPS[1]:
        pushed = task.metadata["endpoint"]
        revision = pushed.get("revision", pushed.get("reason", ""))
        return "canary", f"{revision} at {pushed.get('percent', 0)} %"
    return "rollout", str(task.metadata["outcome"].get("summary", ""))


def _until(teller: _Teller, what: str, *, states: Sequence[str] = (), reason: str = "") -> None:
    """Tell on until a trigger is in one of the states, or refused for the reason.

    Raises:
        NotReadyError: that does not come.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        rows = teller.look()
        if any(row["state"] in states or (reason and row["reason"] == reason) for row in rows):
            return
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what} has not come within {PATIENCE:.0f} s")
        time.sleep(POLL_SECONDS)


def demo(folder: Path) -> int:
    """Run the demonstration in `folder` and return the exit code."""
    root = Root(path=owner_only_files.folder(folder.resolve()))
    if not state_folder.live_url(root.serving):  # Else `served` says so, and nothing is lost.
        atomic.remove(root.serving / "default" / SERVICE)
    store = new_store(root)
    triggers = root.path / "triggers.sqlite"
    for path in (*root.path.glob(f"{triggers.name}*"), *root.runs.glob(f"{TRIGGER}-*")):
        atomic.remove(path)
    port = drift_watch.free_port()
    trigger_url = f"http://127.0.0.1:{port}"
    watch = _watch(root, trigger_url)
    months = prepare(root.path / "data")
    with (
        _ended_runs(root),
        drift_watch.received(store, "--watch", str(watch)) as ready,
        served(root.serving) as url,
    ):
        drift_url = ready()
        train("January to March: train and deploy", root, months[:3], drift_url)
        config = _files(root, months[:8], drift_url)
        command = [str(Path(sys.executable).with_name("kanaria")), "trigger", "serve"]
        command += ["--config", str(config), "--store", str(triggers)]
        with drift_watch.beside(command, port, root.path / "triggers.log") as started:
            teller = _Teller(root, started())
            _ask(teller, f"{url}/v1/models/{SERVICE}:predict", months)
    return _tell_what_is_left(root, triggers)


def _ask(teller: _Teller, endpoint: str, months: Sequence[Path]) -> None:
    say("\nThe summer's flights come")
    with _steady_requests(endpoint, traffic.flights(months[5:8], 3000)):
        _until(teller, "the end of the run", states=("succeeded", "failed"))
        # The summer is no year: the next window drifts from the new model's rows as well.
        _until(teller, "a verdict within the cool-down", reason=Reason.COOL_DOWN)


def _tell_what_is_left(root: Root, triggers: Path) -> int:
    """Show what may be asked now; return the exit code."""
    kanaria = str(Path(sys.executable).with_name("kanaria"))
    lineage = ["lineage", SERVICE, "--namespace", "default"]
    for words in (
        ["trigger", "list", "--store", str(triggers)],
        [*lineage, "--state", str(root.serving), "--root", str(root.path)],
    ):
        say(f"\n{program()} {' '.join(typed(Path(w)) if '/' in w else w for w in words)}")
        code = subprocess.run([kanaria, *words], check=False).returncode
        if code:
            return code
    return 0


def main() -> None:
    """Run in `.kanaria/demo` of the current folder."""
    sys.exit(code_of(lambda: demo(Path(".kanaria/demo"))))


if __name__ == "__main__":
    main()

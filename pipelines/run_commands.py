"""The command `kanaria runs`: runs of this machine, or of a server where one is named."""

import argparse
import os
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kanaria.components.shared.command_line import Stopped, port, say, tell
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.submit.options import add_connection, server_of

if TYPE_CHECKING:
    from kanaria.pipelines.local.record import RunRecord

ROOT = ".kanaria"
MOST = 20
ENDPOINT = "KF_PIPELINES_ENDPOINT"
WHERE = (
    f"Runs of the server that --host or {ENDPOINT} names; else, or with --root, of this machine."
)
VERBS = {
    "list": "list runs, the newest last",
    "show": "show the tasks of a run, why they failed, and where its page is",
    "open": "print where a run's page is, and open it in a browser",
    "watch": "follow a run on a server until it has ended; exit with 0, 1 (failed), 3 (cancelled)",
    "cancel": "end a run on a server, and wait until it has ended",
    "retry": "let a run on a server that failed go on from where it failed",
    "metrics": "tell Prometheus of runs and schedules at a port, until it is stopped",
}
IN_POD = {"metrics": " In a pod that names neither, of the server of its cluster."}
"""What is said of a verb beside WHERE."""
STOP_WARM = "stop-warm"


def _on_server(options: argparse.Namespace) -> bool:
    """Tell whether a server is meant, and not this machine.

    Raises:
        ParameterError: both are named.
    """
    if options.host and options.root:
        raise ParameterError("name either --host, a server, or --root, a folder of this machine")
    return not options.root and bool(options.host or os.environ.get(ENDPOINT))


def _list(options: argparse.Namespace) -> int:
    return _list_server(options) if _on_server(options) else _list_here(options)


def _list_here(options: argparse.Namespace) -> int:
    from kanaria.components.shared.times import stopwatch
    from kanaria.pipelines.local.record import all_runs
    from kanaria.pipelines.local.summary import clock

    root = options.root or ROOT
    runs = all_runs(Path(root) / "runs")
    say(f"runs of this machine, in {root}/runs")
    for run in runs[-options.most :]:
        took = stopwatch(run.seconds) if run.seconds else ""
        say(f"{run.run_id:48} {run.state.value:11} {clock(run.started)}  {took}".rstrip())
    _say_warm()
    if not runs:
        tell(f"no runs in {root}/runs; `kanaria run` makes one, --root names another place")
    return 0


def _say_warm() -> None:
    from kanaria.pipelines.local.warm_process import process_reuse

    for one in process_reuse.waiting():
        use = f"used by {one.runs} now, " if one.runs else ""
        does = f"kept {one.seconds // 60} min after its last run" if one.seconds else one.state
        about = f"a warm training process, id {one.pid}: {use}{does}"
        say(f"{about}; `kanaria runs {STOP_WARM}` ends it")


def _stop_warm(_: argparse.Namespace) -> int:
    from kanaria.pipelines.local.warm_process import process_reuse

    count = process_reuse.stop()
    say(f"ended: {count}, each at once or with the run that uses it" if count else "none is kept")
    return 0


def _list_server(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import run_lines, run_listing

    server = server_of(options)
    runs = run_listing.newest(server, options.most)
    say(f"runs of {server.host}")
    for run in runs:
        say(run_lines.listed(run))
    if not runs:
        tell(f"no runs on {server.host}; `kanaria submit` starts one")
    elif len(runs) == options.most:
        say(f"the newest {options.most}; --most shows more")
    return 0


def _here(options: argparse.Namespace) -> "tuple[RunRecord, Path]":
    """Return the newest run of this machine whose name begins so, and its folder."""
    from kanaria.pipelines.local.record import all_runs

    folder = Path(options.root or ROOT) / "runs"
    runs = [run for run in all_runs(folder) if run.run_id.startswith(options.run)]
    if not runs:
        raise ParameterError(
            f"run={shown(options.run)}: no such run in {folder}; see `kanaria runs list`, "
            f"and give --host or {ENDPOINT} for a run on a server"
        )
    return runs[-1], folder / runs[-1].run_id


def _open(options: argparse.Namespace) -> int:
    if _on_server(options):
        from kanaria.pipelines.submit import server_runs

        address = server_runs.find(server_of(options), options.run).link
        say(address)
    else:
        index = (_here(options)[1] / "index.html").resolve()
        say(str(index))
        address = index.as_uri()
    webbrowser.open(address)
    return 0


def _show(options: argparse.Namespace) -> int:
    return _show_server(options) if _on_server(options) else _show_here(options)


def _show_here(options: argparse.Namespace) -> int:
    from kanaria.components.shared.artifacts import trigger_cause
    from kanaria.components.shared.times import stopwatch
    from kanaria.pipelines.local import summary

    record, folder = _here(options)
    say(f"a run of this machine: {record.run_id}")
    if cause := trigger_cause.in_words(record.arguments.get(trigger_cause.PARAMETER)):
        say(f"started by {cause}")
    for task in record.tasks:
        took = f"{stopwatch(task.seconds):>11}" if task.seconds else ""
        say(f"  {summary.short(task):24} {task.state.value:10}{took}".rstrip())
    for line in (*summary.failures(record), *summary.lines(record)):
        say(line)
    say(str((folder / "index.html").resolve()))
    return 0


def _show_server(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from kanaria.pipelines.submit import run_lines, server_runs

    server = server_of(options)
    run = server_runs.find(server, options.run, options.pipeline_root)
    now, finished = server_runs.look_at(run, server)
    failed = () if finished else server_runs.failed(run, server, now)
    say(f"a run of {server.host}")
    for line in run_lines.shown(run, now, finished):
        say(line)
    for line in server_runs.teller(run, server)(now.waiting, datetime.now(UTC)):
        say(line)
    failures = run_lines.failures(finished, run.link) if finished else run_lines.of_tasks(failed)
    for line in failures:
        say(line)
    return 0


def _watch(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import server_runs
    from kanaria.pipelines.submit.run_follower import follow

    server = _server_only(options)
    run = server_runs.find(server, options.run, options.pipeline_root)
    say(f"{run.run_name}: {run.link}")
    return follow(run, server)


def _cancel(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import run_lines, server_runs
    from kanaria.pipelines.submit.run_snapshot import Outcome

    server = _server_only(options)
    run = server_runs.find(server, options.run)
    say(f"cancelling {run.run_name}: {run.link}")
    try:
        finished = server_runs.cancel(run, server)
    except Stopped as stop:
        stop.remark = "; the run may still be ending"
        raise
    for line in run_lines.ending(finished):
        say(line)
    return int(finished.outcome is not Outcome.CANCELED)


def _retry(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import server_runs

    server = _server_only(options)
    run = server_runs.find(server, options.run)
    server_runs.retry(run, server)
    say(f"goes on: {run.link}")
    say(f"to wait for it: kanaria runs watch {run.run_id} --host {server.host}")
    return 0


def _server_only(options: argparse.Namespace) -> Any:
    if options.root:
        raise ParameterError(
            f"`kanaria runs {options.verb}` is for runs on a server; one of this machine shows "
            "itself on its page (`kanaria runs open`), and Ctrl-C where it was started ends it"
        )
    return server_of(options)


def positive(text: str) -> int:
    """Read a whole number above 0 from the command line."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{shown(text)}: use a whole number above 0")
    return int(text)


def _metrics(options: argparse.Namespace) -> NoReturn:
    from kanaria.components.shared import json_log
    from kanaria.pipelines.run_metrics import exporter
    from kanaria.pipelines.run_metrics.local_facts import LocalFacts
    from kanaria.pipelines.run_metrics.run_facts import Facts
    from kanaria.pipelines.run_metrics.server_facts import ServerFacts
    from kanaria.pipelines.submit.connection import is_in_pod

    json_log.configure("%(asctime)s %(levelname)s %(message)s")
    # A pod has no runs of its own: that it tells of none forever would look like peace.
    on_server = _on_server(options) or (not options.root and is_in_pod())
    here = Path(options.root or ROOT) / "runs"
    facts: Facts = ServerFacts(server_of(options)) if on_server else LocalFacts(here)
    exporter.serve(facts, options.listen, options.port, say)


COMMANDS = {
    "list": _list,
    "show": _show,
    "open": _open,
    "watch": _watch,
    "cancel": _cancel,
    "retry": _retry,
    "metrics": _metrics,
}


def _add_run(verb: Any, name: str) -> None:
    if name in ("cancel", "retry"):
        verb.add_argument("run", help="id or name of the run, or the beginning of one")
    else:
        text = "id or name, or the beginning of one; the newest by default"
        verb.add_argument("run", nargs="?", default="", help=text)


def _add_port(verb: Any) -> None:
    verb.add_argument(
        "--listen", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all; %(default)s"
    )
    verb.add_argument(
        "--port", type=port, default=9180, help="for /metrics, 0 for a free one; %(default)s"
    )


def add_runs(commands: Any) -> None:
    """Add `runs` and its verbs to the command line."""
    text = "look at runs, on this machine or a KFP server"
    parser = commands.add_parser("runs", help=text, description=f"{text}. {WHERE}")
    parser.set_defaults(command=parser.show_help)
    verbs = parser.add_subparsers(dest="verb", metavar="|".join([*VERBS, STOP_WARM]))
    for name, help_text in VERBS.items():
        where = f"{WHERE}{IN_POD.get(name, '')}"
        verb = verbs.add_parser(name, help=help_text, description=f"{help_text}. {where}")
        verb.set_defaults(command=COMMANDS[name])
        verb.add_argument("--root", default="", metavar="FOLDER", help=f"folder of runs; {ROOT}")
        if name == "list":
            verb.add_argument(
                "--most", type=positive, default=MOST, metavar="N", help="how many; %(default)s"
            )
        elif name == "metrics":
            _add_port(verb)
        else:
            _add_run(verb, name)
        if name in ("show", "watch"):
            help_root = "folder of artifacts, for causes; the run's own by default"
            verb.add_argument("--pipeline-root", default="", metavar="URI", help=help_root)
        add_connection(verb)
    text = "end the training processes that --keep-warm keeps on this machine"
    stop = verbs.add_parser(STOP_WARM, help=text, description=f"{text}.")
    stop.set_defaults(command=_stop_warm)

"""The command `kanaria drift`; loads nothing heavy to be listed."""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.command_line import port
from kanaria.components.shared.config.parameters import Faults

HOUR = 3600.0
GRACE_SECONDS = 10
"""For requests that are under way when the server is told to stop."""
STORE = ".kanaria/drift/events.sqlite"
STORE_HELP = (
    "a SQLite file, made when missing, or postgresql://user@host/database of any number of "
    "servers, with the password in PGPASSWORD"
)


LONGEST_DAYS, MOST_MEGABYTES, LONGEST_DELAY_HOURS = 3650.0, 100_000_000, 10_000.0
LEAST_MEGABYTES = 10
"""Room for a few bodies; and a store of less would lose all that it was just given."""


def add_serve_options(serve: argparse.ArgumentParser) -> None:
    """Add what the server can be told, without its store."""
    serve.add_argument("--watch", default="", help="YAML file of what is tested; nothing without")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all; %(default)s"
    )
    serve.add_argument(
        "--port", type=port, default=8080, help="port to listen on, 0 for a free one; %(default)s"
    )
    serve.add_argument(
        "--keep-days", default="30", metavar="DAYS", help="how long events are kept; %(default)s"
    )
    serve.add_argument(
        "--keep-megabytes",
        default="10000",
        metavar="MB",
        help="how much is kept, a tenth of it for labels; the oldest goes first; %(default)s",
    )
    serve.add_argument(
        "--label-delay-hours",
        default="24",
        metavar="HOURS",
        help="after which most labels have come, for the metric of their coverage; %(default)s",
    )
    serve.add_argument(
        "--token-file",
        default="",
        metavar="FILE",
        help="what is in it must be sent as Authorization: Bearer; else KANARIA_DRIFT_TOKEN_FILE "
        "or KANARIA_DRIFT_TOKEN, else nothing must",
    )
    serve.add_argument(
        "--events-without-token",
        action="store_true",
        help="take payload events from anyone who reaches the port: KServe's agent sends no token",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """How much is kept, and for how long."""

    keep_days: float
    keep_megabytes: int
    label_delay_hours: float


def read_amounts(options: argparse.Namespace) -> Amounts:
    """Return the amounts among the options.

    Raises:
        ParameterError: some are no numbers or out of range; all of them are named.
    """
    faults = Faults("kanaria drift serve")

    def number(name: str, text: str, least: float, most: float) -> float:
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        faults.check(least <= amount <= most, name, text, f"use {least:g} to {most:,.0f}")
        return amount

    days = number("--keep-days", options.keep_days, 0.01, LONGEST_DAYS)
    megabytes = number("--keep-megabytes", options.keep_megabytes, LEAST_MEGABYTES, MOST_MEGABYTES)
    delay = number("--label-delay-hours", options.label_delay_hours, 0.01, LONGEST_DELAY_HOURS)
    whole = not megabytes % 1 or not math.isfinite(megabytes)
    faults.check(whole, "--keep-megabytes", options.keep_megabytes, "use a whole number")
    faults.raise_if_any()
    return Amounts(keep_days=days, keep_megabytes=int(megabytes), label_delay_hours=delay)


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; what was received is written before it ends.

    Raises:
        KanariaError: an option, the store, the port, the token or the file of what is watched
            cannot be used.
    """
    from functools import partial
    from pathlib import Path

    import uvicorn

    from kanaria.components.shared import json_log
    from kanaria.serving.drift_server.announcement import beginning
    from kanaria.serving.drift_server.http_routes import Receiver
    from kanaria.serving.drift_server.server_metrics import Metrics
    from kanaria.serving.drift_token import configured
    from kanaria.serving.drift_watch.watch_file import read
    from kanaria.serving.drift_watch.watching_process import Process
    from kanaria.serving.http_server.access_rules import Guard, Rules
    from kanaria.serving.http_server.announcing_server import AnnouncingServer
    from kanaria.serving.http_server.connections import BoundedProtocol
    from kanaria.serving.listen_socket import listening, loopback_names, url_of
    from kanaria.serving.payload_log.open_store import open_store
    from kanaria.serving.payload_log.retention import Retention
    from kanaria.serving.payload_log.write_queue import Intake
    from kanaria.serving.trace_settings import request_traces

    json_log.configure("%(asctime)s %(levelname)s %(message)s")
    amounts, token = read_amounts(options), configured(options.token_file)
    watches = read(Path(options.watch)) if options.watch else ()
    watching = Process(options.store, Path(options.watch)) if watches else None
    listener = listening(options.host, options.port)
    retention = Retention(
        seconds=amounts.keep_days * 24 * HOUR,
        megabytes=amounts.keep_megabytes,
        watched=frozenset((watch.namespace, watch.service) for watch in watches),
    )
    intake, metrics = Intake(open_store(options.store, retention)), Metrics()
    receiver = Receiver(options.store, intake, metrics, amounts.label_delay_hours * HOUR, watching)
    rules = Rules(
        realm="kanaria drift server",
        token=token,
        open_paths=frozenset({"/"} if options.events_without_token else ()),
        loopback_names=loopback_names(listener, options.host),
    )
    guarded, traces = Guard(receiver, rules, metrics.count_refusal), request_traces("kanaria-drift")
    # A line for each event would cost more than keeping it.
    config = uvicorn.Config(
        traces.served(guarded) if traces else guarded,
        http=partial(BoundedProtocol, metrics.count_refusal),  # type: ignore[arg-type]
        ws="none",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    lines = beginning(url_of(listener), options.store, watches, asks=token is not None)
    # It raises the signal that ended it once more, after the last event is written.
    AnnouncingServer(config, lines).run(sockets=[listener])
    return 1


def _status(options: argparse.Namespace) -> int:
    from contextlib import closing

    from kanaria.serving.drift_watch import stored_verdicts, verdict_line
    from kanaria.serving.payload_log.open_store import open_reader

    with closing(open_reader(options.store)) as reader:
        verdicts = stored_verdicts.newest(reader)
    lines = [verdict_line.line(one) for one in verdicts] or ["no window has been tested yet"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _report(options: argparse.Namespace) -> int:
    from contextlib import closing
    from pathlib import Path

    from kanaria.components.shared.storage import atomic
    from kanaria.serving.drift import report_records
    from kanaria.serving.drift.report import report_page
    from kanaria.serving.drift_watch import stored_verdicts
    from kanaria.serving.payload_log.open_store import open_reader

    with closing(open_reader(options.store)) as reader:
        report = stored_verdicts.report(reader, time.time())
    path = Path(options.output)
    atomic.write_text(path.with_suffix(".json"), report_records.dump(report))
    atomic.write_text(path, report_page.render(report))
    sys.stdout.write(f"{path.resolve()}\n")
    return 0


def add_drift(commands: Any) -> None:
    """Add `drift` and its verbs to the command line."""
    drift = commands.add_parser("drift", help="watch served traffic for drift")
    drift.set_defaults(command=drift.show_help)
    verbs = drift.add_subparsers(metavar="serve|status|report")
    for name, function, text in (
        ("serve", serve, "receive KServe's payload log and test its windows"),
        ("status", _status, "show each version's newest verdict, a line each"),
        ("report", _report, "write what was found as one HTML file, and as JSON beside it"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--store", default=STORE, help=f"{STORE_HELP}; %(default)s")
        verb.set_defaults(command=function)
        if name == "serve":
            add_serve_options(verb)
        if name == "report":
            verb.add_argument(
                "-o",
                "--output",
                default="drift.html",
                metavar="FILE",
                help="the page; %(default)s",
            )

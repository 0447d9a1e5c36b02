"""The command `kanaria drift`; loads nothing heavy to be listed."""

import argparse
import sys
import time
from typing import Any

from kanaria.components.shared.command_line import amount, port

HOUR = 3600.0
STORE = ".kanaria/drift/events.sqlite"
STORE_HELP = (
    "a SQLite file, made when missing, or postgresql://user@host/database of any number of "
    "servers, with the password in PGPASSWORD"
)


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
        "--keep-days",
        type=amount,
        default=30.0,
        metavar="DAYS",
        help="how long events are kept; %(default)g",
    )
    serve.add_argument(
        "--keep-megabytes",
        type=int,
        default=10_000,
        metavar="MB",
        help="how much is kept, the oldest goes first; %(default)s",
    )
    serve.add_argument(
        "--label-delay-hours",
        type=amount,
        default=24.0,
        metavar="HOURS",
        help="after which most labels have come, for the metric of their coverage; %(default)g",
    )


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; what was received is written before it ends.

    Raises:
        KanariaError: the store, the port or the file of what is watched cannot be used.
    """
    import logging
    from pathlib import Path

    import uvicorn

    from kanaria.serving.drift_server.announcing import AnnouncingServer, beginning
    from kanaria.serving.drift_server.intake import Intake
    from kanaria.serving.drift_server.metrics import Metrics
    from kanaria.serving.drift_server.opening import open_store
    from kanaria.serving.drift_server.server import Receiver
    from kanaria.serving.drift_server.store import Retention
    from kanaria.serving.drift_server.watching.process import Process
    from kanaria.serving.drift_server.watching.settings import read
    from kanaria.serving.listening import listening, url_of

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    watches = read(Path(options.watch)) if options.watch else ()
    watching = Process(options.store, Path(options.watch)) if watches else None
    listener = listening(options.host, options.port)
    retention = Retention(seconds=options.keep_days * 24 * HOUR, megabytes=options.keep_megabytes)
    intake = Intake(open_store(options.store, retention))
    delay = options.label_delay_hours * HOUR
    # A line for each event would cost more than keeping it.
    config = uvicorn.Config(
        Receiver(options.store, intake, Metrics(), delay, watching),
        access_log=False,
        proxy_headers=False,
        log_level="warning",
    )
    told = beginning(url_of(listener), options.store, watches)
    # It raises the signal that ended it once more, after the last event is written.
    AnnouncingServer(config, told).run(sockets=[listener])
    return 1


def _status(options: argparse.Namespace) -> int:
    from contextlib import closing

    from kanaria.serving.drift_server.opening import open_reader
    from kanaria.serving.drift_server.watching import kept, telling

    with closing(open_reader(options.store)) as reader:
        found = kept.newest(reader)
    lines = [telling.line(one) for one in found] or ["no window has been tested yet"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _report(options: argparse.Namespace) -> int:
    from contextlib import closing
    from pathlib import Path

    from kanaria.components.shared import atomic
    from kanaria.serving.drift.report import page, records
    from kanaria.serving.drift_server.opening import open_reader
    from kanaria.serving.drift_server.watching import kept

    with closing(open_reader(options.store)) as reader:
        found = kept.report(reader, time.time())
    path = Path(options.output)
    atomic.write_text(path.with_suffix(".json"), records.dump(found))
    atomic.write_text(path, page.render(found))
    sys.stdout.write(f"{path.resolve()}\n")
    return 0


def add_drift(commands: Any) -> None:
    """Add `drift` and its verbs to the command line."""
    drift = commands.add_parser("drift", help="watch served traffic for drift")
    drift.set_defaults(command=drift.asked)
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

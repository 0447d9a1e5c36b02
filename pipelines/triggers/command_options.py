"""The command `kanaria trigger`; loads nothing heavy to be listed."""

import argparse
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.command_line import port, say, tell
from kanaria.pipelines.run_commands import positive

if TYPE_CHECKING:
    from kanaria.serving.triggers.starter import Starter
    from kanaria.serving.triggers.trigger_file import Runs

STORE = ".kanaria/triggers.sqlite"
STORE_HELP = (
    "a SQLite file, made when missing, or postgresql://user@host/database of any number of "
    "servers, with the password in PGPASSWORD"
)
MOST = 20


def starter_of(runs: "Runs") -> "Starter":
    """Return what starts runs where a file of triggers says.

    Raises:
        ParameterError: no address of Kubeflow Pipelines is known.
    """
    if runs.where == "here":
        from kanaria.pipelines.triggers.local_starter import LocalStarter

        return LocalStarter(runs)
    from kanaria.pipelines.submit.kfp_client import Server
    from kanaria.pipelines.triggers.kfp_starter import KfpStarter

    return KfpStarter(runs, Server(runs.host, runs.namespace))


def _serve(options: argparse.Namespace) -> int:
    import logging
    import os
    from pathlib import Path

    from kanaria.components.shared import json_log
    from kanaria.serving.triggers.serve import Options, serve

    json_log.configure("%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = Options(
        config=Path(options.config),
        store=options.store,
        host=options.host,
        port=options.port,
        token_file=options.token_file,
        open_events=options.events_without_token,
    )
    return serve(settings, starter_of, dict(os.environ))


def _list(options: argparse.Namespace) -> int:
    import dataclasses
    import json
    from contextlib import closing

    from kanaria.serving.triggers.trigger_lines import line
    from kanaria.serving.triggers.trigger_store import open_reader

    with closing(open_reader(options.store)) as store:
        rows = store.newest(options.most)
    if options.json:
        say(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
        return 0
    for row in rows:
        say(line(row))
    if not rows:
        tell(f"nothing has come yet; {options.store} is empty")
    return 0


def _add_serve(verbs: Any) -> None:
    text = "start runs of pipelines on alerts, drift, new objects, messages and requests"
    serve = verbs.add_parser("serve", help=text, description=text)
    serve.add_argument(
        "--config", required=True, metavar="FILE", help="YAML file of what starts what"
    )
    serve.add_argument("--store", default=STORE, help=f"{STORE_HELP}; %(default)s")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all; %(default)s"
    )
    serve.add_argument(
        "--port", type=port, default=8082, help="port to listen on, 0 for a free one; %(default)s"
    )
    serve.add_argument(
        "--token-file",
        default="",
        metavar="FILE",
        help="what is in it must be sent as Authorization: Bearer; else "
        "KANARIA_TRIGGER_TOKEN_FILE or KANARIA_TRIGGER_TOKEN",
    )
    serve.add_argument(
        "--events-without-token",
        action="store_true",
        help="take CloudEvents from anyone who reaches the port: Knative's brokers send no token",
    )
    serve.set_defaults(command=_serve)


def add_trigger(commands: Any) -> None:
    """Add `trigger` and its verbs to the command line."""
    trigger = commands.add_parser("trigger", help="start trainings on what happens")
    trigger.set_defaults(command=trigger.show_help)
    verbs = trigger.add_subparsers(metavar="serve|list")
    _add_serve(verbs)
    text = "list what came, what it started or why it was refused, the newest last"
    listing = verbs.add_parser("list", help=text, description=text)
    listing.add_argument("--store", default=STORE, help=f"{STORE_HELP}; %(default)s")
    listing.add_argument(
        "--most", type=positive, default=MOST, metavar="N", help="at most so many; %(default)s"
    )
    listing.add_argument("--json", action="store_true", help="print everything as JSON")
    listing.set_defaults(command=_list)

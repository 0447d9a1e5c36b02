"""The command `kanaria rollout`; loads nothing heavy to be listed."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.command_line import amount

if TYPE_CHECKING:
    from kanaria.serving.rollout.control.environment import Place

LOCAL = ".kanaria/serving"
ROLLBACK_SECONDS = 600.0
"""How long `rollback` waits until the platform has moved the traffic that it asked to move."""
COMMANDS = {
    "approve": "let the step in question begin, or promote an inconclusive canary",
    "pause": "keep the traffic as it is; harm still rolls back",
    "resume": "go on after a pause or a question",
    "promote": "give the canary all traffic as soon as it is seen to be ready",
    "rollback": "give the stable revision all traffic, at once",
}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _place(options: argparse.Namespace) -> Any:
    import logging

    from kanaria.serving.rollout.control.environment import connect
    from kanaria.serving.traffic.find_traffic import namespace_of

    options.namespace = namespace_of(options.namespace, options.state)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    arguments = vars(options)
    names = ("prometheus_url", "prometheus_queries", "drift_server")
    return connect(options.state, **{name: arguments.get(name, "") for name in names})


def _start(options: argparse.Namespace) -> int:
    from pathlib import Path

    from kanaria.serving.rollout.control import operations
    from kanaria.serving.rollout.control.registered_aliases import catch_up
    from kanaria.serving.rollout.policy import rollout_policy

    read = rollout_policy.read(Path(options.policy)) if options.policy else rollout_policy.Policy()
    with _place(options) as place:
        if not options.no_wait:
            place.require(read)
        beginning = operations.Beginning(policy=read, who=_whoever(options), now=time.time())
        rollout = operations.start(
            place.store, place.traffic, options.namespace, options.service, beginning
        )
        _say(f"{rollout.title}: {rollout.target.canary} against {rollout.target.stable}")
        if not options.no_wait:
            return _run(place, options)
        catch_up(place, options.namespace, options.service)
        return 0


def _run(place: "Place", options: argparse.Namespace) -> int:
    """Be the controller of the rollout until it is settled."""
    from kanaria.serving.rollout.control.controller import Pace, run
    from kanaria.serving.rollout.control.messages import LineListener
    from kanaria.serving.rollout.control.operations import newest
    from kanaria.serving.rollout.control.registered_aliases import followed
    from kanaria.serving.rollout.decision.rollout_state import Phase

    with followed(place, options.namespace, options.service):
        stored = run(
            place.world(),
            newest(place.store, options.namespace, options.service),
            lease=place.lease_of(options.namespace, options.service),
            listener=place.listener(LineListener(_say)),
            pace=Pace(interval_seconds=options.interval),
        )
    return int(stored.rollout.state.phase is not Phase.PROMOTED)


def _take_back(place: "Place", options: argparse.Namespace) -> int:
    """Make an ordered rollback true, whether or not a controller is alive or holds the lease."""
    from kanaria.serving.rollout.control.controller import Pace, run
    from kanaria.serving.rollout.control.lease import NoLease
    from kanaria.serving.rollout.control.messages import LineListener
    from kanaria.serving.rollout.control.operations import newest
    from kanaria.serving.rollout.control.registered_aliases import followed

    with followed(place, options.namespace, options.service):
        run(
            place.world(reads=False),
            newest(place.store, options.namespace, options.service),
            lease=NoLease(),
            listener=place.listener(LineListener(_say)),
            pace=Pace(patience_seconds=ROLLBACK_SECONDS),
        )
    return 0


def _status(options: argparse.Namespace) -> int:
    from kanaria.serving.rollout.control.messages import status
    from kanaria.serving.rollout.control.operations import newest

    with _place(options) as place:
        stored = newest(place.store, options.namespace, options.service)
    _say(status(stored.rollout, time.time()))
    return 0


def _report(options: argparse.Namespace) -> int:
    from pathlib import Path

    from kanaria.serving.rollout.control.messages import write_timeline
    from kanaria.serving.rollout.control.operations import newest

    path = Path(options.output)
    with _place(options) as place:
        stored = newest(place.store, options.namespace, options.service)
        write_timeline(place.store, stored.rollout, path)
    _say(str(path.resolve()))
    return 0


def _watch(options: argparse.Namespace) -> int:
    from kanaria.serving.rollout.control.controller import POLL_SECONDS
    from kanaria.serving.rollout.control.messages import LineListener
    from kanaria.serving.rollout.control.operations import newest

    listener = LineListener(_say)
    with _place(options) as place:
        while True:
            stored = newest(place.store, options.namespace, options.service)
            listener(stored)
            if stored.rollout.settled:
                return 0
            time.sleep(POLL_SECONDS)


def _command(options: argparse.Namespace) -> int:
    from kanaria.serving.rollout.control.messages import LineListener
    from kanaria.serving.rollout.control.operations import order
    from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind

    kind = CommandKind(options.verb)
    step = getattr(options, "step", "")
    command = Command(kind=kind, who=_whoever(options), when=time.time(), step=step)
    with _place(options) as place:
        stored = order(place.store, options.namespace, options.service, command)
        # The way back must not depend on a controller that is alive.
        if kind is CommandKind.ROLLBACK:
            return _take_back(place, options)
        LineListener(_say)(stored)
    return 0


def _whoever(options: argparse.Namespace) -> str:
    import getpass
    import os

    try:
        return str(options.who) or getpass.getuser()
    except KeyError:  # A container may run as any user id.
        return f"uid {os.getuid()}"


def _add_place(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("service", help="name of the InferenceService")
    verb.add_argument(
        "--namespace", default="", help="of the service; the kubeconfig context's by default"
    )
    verb.add_argument(
        "--state", default="", help=f"state folder of local serving, as {LOCAL}; else the cluster"
    )


def _add_who(verb: argparse.ArgumentParser) -> None:
    name = "who it is, for the record; you by default"
    verb.add_argument("--as", dest="who", default="", metavar="NAME", help=name)


def add_rollout(commands: Any) -> None:
    """Add `rollout` and its verbs to the command line."""
    rollout = commands.add_parser("rollout", help="give a canary its traffic under control")
    listed = "|".join(["start", "status", "watch", "report", *COMMANDS])
    rollout.set_defaults(command=rollout.show_help)
    verbs = rollout.add_subparsers(dest="verb", metavar=listed)
    text = "roll out the newest revision, and control it until done"
    start = verbs.add_parser("start", help=text, description=text)
    _add_place(start)
    _add_who(start)
    start.add_argument("--policy", default="", help="YAML file; the default policy without one")
    start.add_argument("--prometheus-url", default="", help="of the cluster's Prometheus")
    start.add_argument("--prometheus-queries", default="", help="a set of queries, as knative")
    start.add_argument("--drift-server", default="", help="URL, for gates on what models answer")
    start.add_argument(
        "--interval",
        type=amount,
        default=60.0,
        metavar="SECONDS",
        help="between two looks; %(default)g",
    )
    start.add_argument("--no-wait", action="store_true", help="leave it to the running controller")
    start.set_defaults(command=_start)
    for name, function, text in (
        ("status", _status, "show where a rollout stands"),
        ("watch", _watch, "show it until it is over"),
        ("report", _report, "write its timeline as one HTML file"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        _add_place(verb)
        if name == "report":
            verb.add_argument(
                "-o",
                "--output",
                default="rollout.html",
                metavar="FILE",
                help="the page; %(default)s",
            )
        verb.set_defaults(command=function)
    for name, text in COMMANDS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        _add_place(verb)
        _add_who(verb)
        if name == "approve":
            verb.add_argument("--step", default="", help="the step; the one in question by default")
        verb.set_defaults(command=_command)

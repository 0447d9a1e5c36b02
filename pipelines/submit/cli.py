"""The commands `kanaria submit` and `kanaria schedule`. They load kfp only when they run."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.errors import NotReadyError

if TYPE_CHECKING:
    from kanaria.pipelines.submit.package import Package
    from kanaria.pipelines.submit.server import Server

CANCELLED = 3
"""Exit code of a run that somebody terminated."""


def _package(options: argparse.Namespace) -> "Package":
    from kanaria.pipelines import documents
    from kanaria.pipelines.submit import package

    found = documents.read(options.pipeline)
    return package.package(found, options.image_prefix, cached=not options.no_cache)


def _server(options: argparse.Namespace) -> "Server":
    from kanaria.pipelines.submit.server import Server

    return Server.connect(options.host, options.namespace)


def _values(options: argparse.Namespace, package: "Package") -> dict[str, Any]:
    from kanaria.pipelines.local import arguments

    return arguments.given(options.config, options.set, package.plan)


def _submit(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import submit

    package = _package(options)
    values = _values(options, package)
    server = _server(options)
    found = submit.submit(
        server,
        package,
        values,
        experiment=options.experiment,
        run_name=options.run_name,
        pipeline_root=options.pipeline_root,
    )
    how = "uploaded" if found.uploaded else "there already"
    sys.stdout.write(f"pipeline: {package.plan.name} {found.version} ({how})\nrun: {found.link}\n")
    return 0 if options.no_wait else _wait(server, package, found.run_id, found.link)


def _wait(server: "Server", package: "Package", run_id: str, link: str) -> int:
    from kanaria.pipelines.local import progress
    from kanaria.pipelines.submit import submit
    from kanaria.pipelines.submit.progress import Ending

    names = [task.name.rpartition("/")[2] for task in package.plan.tasks]
    try:
        status = submit.wait(server, run_id, names, progress.on(sys.stdout))
    except KeyboardInterrupt:
        sys.stderr.write(f"the run goes on; see it or stop it at {link}\n")
        raise
    except NotReadyError as error:
        raise NotReadyError(f"{error}; the run goes on: {link}") from error
    if status.cause:
        sys.stderr.write(f"error: {status.cause}\n")
    sys.stdout.write(f"{status.ending.value}: {link}\n")
    return {Ending.SUCCEEDED: 0, Ending.CANCELLED: CANCELLED}.get(status.ending, 1)


def _create(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import schedule

    package = _package(options)
    values = _values(options, package)
    timetable = schedule.Timetable(
        cron=options.cron,
        every=options.every,
        start=options.start,
        end=options.end,
        catch_up=options.catch_up,
        max_concurrency=options.max_concurrency,
    )
    schedule.create(
        _server(options),
        package,
        values,
        timetable,
        name=options.name,
        experiment=options.experiment,
        pipeline_root=options.pipeline_root,
    )
    sys.stdout.write(f"schedule {options.name} created\n")
    return 0


def _list(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import schedule

    for found in _server(options).schedules():
        sys.stdout.write(f"{schedule.line(found)}\n")
    return 0


def _change(options: argparse.Namespace) -> int:
    """Pause, resume or delete the schedule."""
    from kanaria.pipelines.submit import schedule

    server = _server(options)
    getattr(server, options.verb)(schedule.find(server, options.name))
    sys.stdout.write(f"schedule {options.name}: {options.verb}d\n")
    return 0


def _add_server(parser: Any) -> None:
    parser.add_argument("--host", default="", help="KFP API; by default KF_PIPELINES_ENDPOINT")
    parser.add_argument("--namespace", default="", help="namespace of a user of Kubeflow")


def _add_pipeline(parser: Any) -> None:
    parser.add_argument("pipeline", help="train_and_deploy, or a compiled .yaml file")
    parser.add_argument("--config", default="", help="YAML file of pipeline parameters")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--experiment", default="Default")
    parser.add_argument("--image-prefix", default="", help="registry and path of the images")
    parser.add_argument("--pipeline-root", default="", help="URI of artifacts and uploaded files")
    parser.add_argument("--no-cache", action="store_true", help="run every task anew")
    _add_server(parser)


def add_submit(commands: Any) -> None:
    """Add `kanaria submit`."""
    submit = commands.add_parser("submit", help="run a pipeline on a KFP server")
    _add_pipeline(submit)
    submit.add_argument("--run-name", default="")
    submit.add_argument("--no-wait", action="store_true", help="do not wait for the run's end")
    submit.set_defaults(command=_submit)


def add_schedule(commands: Any) -> None:
    """Add `kanaria schedule create|list|pause|resume|delete`."""
    schedule = commands.add_parser("schedule", help="run a pipeline on a KFP server regularly")
    verbs = schedule.add_subparsers(required=True, metavar="create|list|pause|resume|delete")
    create = verbs.add_parser("create", help="create a schedule")
    create.add_argument("name")
    _add_pipeline(create)
    create.add_argument("--cron", default="", help="five fields, such as '0 6 * * 1-5'")
    create.add_argument("--every", default="", help="interval, such as 90s, 15m, 6h or 1d")
    create.add_argument("--start", default="", help="time before which no run starts")
    create.add_argument("--end", default="", help="time after which no run starts")
    create.add_argument("--catch-up", action="store_true", help="make up for runs left out")
    create.add_argument("--max-concurrency", type=int, default=1, help="runs at once, 1 to 10")
    create.set_defaults(command=_create)
    listing = verbs.add_parser("list", help="list schedules")
    _add_server(listing)
    listing.set_defaults(command=_list)
    for verb in ("pause", "resume", "delete"):
        change = verbs.add_parser(verb, help=f"{verb} a schedule")
        change.add_argument("name")
        _add_server(change)
        change.set_defaults(command=_change, verb=verb)

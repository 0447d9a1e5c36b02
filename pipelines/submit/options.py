"""The commands `kanaria submit`, `schedule` and `pipelines`; loads nothing heavy to be listed."""

import argparse
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.command_line import Stopped, say, tell
from kanaria.pipelines.parameters_help import Help
from kanaria.pipelines.resources import options as resources

if TYPE_CHECKING:
    from kanaria.pipelines.submit.kfp_client import Server

CONNECTION = "server"


def server_of(options: argparse.Namespace) -> "Server":
    """Return the server that the options name."""
    import logging

    from kanaria.pipelines.submit.kfp_client import Server

    # It would announce each connection that is tried again; the last error says it all.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    return Server(options.host, options.namespace, options.token_file)


def _values(options: argparse.Namespace) -> dict[str, Any]:
    from kanaria.pipelines.compiled_pipelines import documents
    from kanaria.pipelines.local import arguments
    from kanaria.pipelines.local.plan import interface

    parameters = interface(next(iter(documents(options.pipeline)), None))
    return arguments.of_command_line(options.config, options.set, parameters)


def _pipeline(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "pipeline_root": options.pipeline_root,
        "experiment": options.experiment,
        "image_prefix": options.image_prefix,
        "cached": not options.no_cache,
        "resources": resources.of_options(options),
        "service_account": options.service_account,
    }


def _submit(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import parameters
    from kanaria.pipelines.submit.run_follower import follow
    from kanaria.pipelines.submit.submit_pipeline import submit

    server, values = server_of(options), _values(options)
    run = submit(
        options.pipeline, values, server=server, run_name=options.run_name, **_pipeline(options)
    )
    for remark in parameters.inside_pods(values):
        say(f"note: {remark}")
    say(f"pipeline: {run.version.name} ({'uploaded' if run.version.uploaded else 'unchanged'})")
    say(f"account: {run.account}")
    say(f"run: {run.link}")
    return 0 if options.no_wait else follow(run, server)


def _create(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import parameters, run_account, schedule
    from kanaria.pipelines.submit.schedule_times import trigger

    when = trigger(options.cron, options.every, options.start, options.end)
    server, values = server_of(options), _values(options)
    options.service_account = run_account.chosen(options.service_account, server.namespace)
    schedule.create(
        options.name,
        options.pipeline,
        values,
        server=server,
        trigger=when,
        catch_up=options.catch_up,
        max_concurrency=options.max_concurrency,
        **_pipeline(options),
    )
    for remark in parameters.inside_pods(values):
        say(f"note: {remark}")
    say(f"account: {options.service_account}")
    say(f"schedule: {options.name}, {when}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit.schedule import all_schedules

    for entry in all_schedules(server_of(options)):
        state = "enabled" if entry.enabled else "paused"
        missed = "catches up" if entry.catch_up else "no catch-up"
        most = f"at most {entry.max_concurrency} at a time"
        say(f"{entry.name:32} {state:8} {entry.trigger!s:32} {most}, {missed}")
    return 0


def _change(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import schedule

    verbs = {"pause": (schedule.pause, "paused"), "resume": (schedule.resume, "resumed")}
    change, done = verbs[options.verb]
    change(server_of(options), options.name)
    say(f"{done}: {options.name}")
    return 0


def _delete(options: argparse.Namespace) -> int:
    from kanaria.pipelines.submit import schedule

    try:
        schedule.delete(server_of(options), options.name, options.running, tell=say)
    except Stopped as stop:
        if options.running != schedule.Running.REFUSE:
            stop.remark = f"; look at `kanaria schedule list`: {options.name} may be paused"
        raise
    say(f"deleted: {options.name}")
    return 0


def _upload(options: argparse.Namespace) -> int:
    from kanaria.pipelines.compiled_pipelines import NAMES
    from kanaria.pipelines.submit.pipeline_upload import UploadError, upload

    try:
        upload(
            options.pipelines or NAMES,
            server=server_of(options),
            image_prefix=options.image_prefix,
            resources=resources.of_options(options),
            show=lambda one: say(
                f"{one.pipeline}: {one.version} ({'uploaded' if one.is_new else 'unchanged'}) "
                f"{one.link}"
            ),
        )
    except UploadError as error:
        for line in error.lines:
            tell(f"error: {line}")
        return 1
    return 0


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add how a server is reached."""
    server = parser.add_argument_group(CONNECTION, "a token or cookies: KFP_EXISTING_TOKEN, ...")
    server.add_argument("--host", default="", help="address; else KF_PIPELINES_ENDPOINT")
    server.add_argument("--namespace", default="", help="yours, where the server has many users")
    server.add_argument("--token-file", default="", help="file of a bearer token")


def _add_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pipeline",
        help="train_and_deploy, retrain, promote, watch_for_drift, score, or a .yaml file",
    )
    parser.add_argument("-h", "--help", action=Help)
    parser.add_argument(
        "--config", default="", metavar="FILE", help="YAML file of the pipeline's parameters"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, over the file's; as often as needed",
    )
    parser.add_argument("--pipeline-root", default="", metavar="URI", help="folder of artifacts")
    parser.add_argument("--experiment", default="", metavar="NAME", help="name of the experiment")
    parser.add_argument(
        "--image-prefix", default="", metavar="PREFIX", help="registry and path of the images"
    )
    parser.add_argument("--no-cache", action="store_true", help="reuse no step's results")
    resources.add_resources(parser)
    parser.add_argument(
        "--service-account",
        default=None,
        metavar="NAME",
        help="of the pods; kanaria-pipeline where it exists, else KFP's; '' for KFP's",
    )


def add_pipelines(commands: Any) -> None:
    """Add `pipelines` and its verb to the command line."""
    pipelines = commands.add_parser("pipelines", help="put pipelines into a KFP server's list")
    pipelines.set_defaults(command=pipelines.show_help)
    verbs = pipelines.add_subparsers(metavar="upload")
    text = "upload pipelines, each as a version named by its content"
    upload = verbs.add_parser("upload", help=text, description=text)
    upload.add_argument(
        "pipelines",
        nargs="*",
        metavar="PIPELINE",
        help="train_and_deploy, retrain, promote, watch_for_drift, score, or a compiled .yaml; all "
        "five by default",
    )
    upload.add_argument(
        "--image-prefix", default="", metavar="PREFIX", help="registry and path of the images"
    )
    resources.add_resources(upload)
    add_connection(upload)
    upload.set_defaults(command=_upload)


def _add_when(parser: argparse.ArgumentParser) -> None:
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--cron", default="", help="minute hour day month weekday, as '0 6 * * *'")
    when.add_argument("--every", default="", metavar="TIME", help="6h, 1d, 1h30m, 90s")
    parser.add_argument(
        "--start", default="", metavar="TIME", help="first run, as 2026-01-31T06:00:00Z"
    )
    parser.add_argument("--end", default="", metavar="TIME", help="no run begins after it")
    parser.add_argument(
        "--catch-up",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="make up for every missed run, not for the newest only",
    )
    parser.add_argument(
        "--max-concurrency",
        type=int,
        default=1,
        metavar="N",
        help="most runs at a time, 1 to 10; %(default)s",
    )


def add_submit(commands: Any) -> None:
    """Add `submit` to the command line."""
    submit = commands.add_parser(
        "submit",
        help="run a pipeline on a KFP server",
        description="run a pipeline on a KFP server",
        add_help=False,
    )
    _add_pipeline(submit)
    submit.add_argument("--run-name", default="", help="name of the run in the UI")
    submit.add_argument("--no-wait", action="store_true", help="do not wait for its end")
    add_connection(submit)
    submit.set_defaults(command=_submit)


def add_schedule(commands: Any) -> None:
    """Add `schedule` and its verbs to the command line."""
    schedule = commands.add_parser("schedule", help="run a pipeline regularly on a KFP server")
    schedule.set_defaults(command=schedule.show_help)
    verbs = schedule.add_subparsers(dest="verb", metavar="create|list|pause|resume|delete")
    create = verbs.add_parser("create", help="start runs by cron or at an interval", add_help=False)
    create.add_argument("name", help="name of the schedule")
    _add_pipeline(create)
    _add_when(create)
    add_connection(create)
    create.set_defaults(command=_create)
    listing = verbs.add_parser("list", help="list schedules")
    add_connection(listing)
    listing.set_defaults(command=_list)
    for verb in ("pause", "resume", "delete"):
        change = verbs.add_parser(verb, help=f"{verb} a schedule")
        change.add_argument("name", help="name or id of the schedule")
        add_connection(change)
        change.set_defaults(command=_delete if verb == "delete" else _change)
        if verb == "delete":
            change.add_argument(
                "--running",
                choices=("refuse", "wait", "terminate"),
                default="refuse",
                help="when runs of it go on: refuse, wait for their end, or end them; %(default)s",
            )

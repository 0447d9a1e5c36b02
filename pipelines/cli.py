"""The command line `kanaria`. Each command loads only what it needs."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from kanaria.components.shared.command_line import Parser, Stopped, code_of, port, tell, wrapped
from kanaria.pipelines import missing_extra
from kanaria.pipelines.audit_command import add_audit
from kanaria.pipelines.governance_commands import add_card, add_sign, add_verify
from kanaria.pipelines.parameters_help import Help
from kanaria.pipelines.predict_command import add_predict
from kanaria.pipelines.project_template.command_options import add_init
from kanaria.pipelines.resources import options as resources
from kanaria.pipelines.run_commands import ROOT, add_runs, positive
from kanaria.pipelines.submit.options import add_pipelines, add_schedule, add_submit
from kanaria.pipelines.triggers.command_options import add_trigger
from kanaria.serving.drift_server.command_options import add_drift
from kanaria.serving.live_page.command_options import add_watch
from kanaria.serving.rollout.rollout_options import add_rollout
from kanaria.serving.stream.command_options import add_stream

STATE = f"{ROOT}/serving"
ROOT_HELP = "folder of runs and results; %(default)s"


def _run(options: argparse.Namespace) -> int:
    from kanaria.pipelines.local import endpoint, summary
    from kanaria.pipelines.local.launch import launch
    from kanaria.pipelines.local.machine_folders import Root
    from kanaria.pipelines.local.record import State

    root = Root(path=Path(options.root).resolve(), copies=options.pipeline_root)
    try:
        record, index = launch(
            options.pipeline,
            config=options.config,
            settings=options.set,
            root=root,
            keep_warm=options.keep_warm,
            run_name=options.run_name,
        )
    except Stopped as stop:
        stop.remark = "; run it again: finished steps are reused"
        raise
    for line in summary.failures(record):
        tell(line)
    pushed = endpoint.lines(record, root)
    for line in (*summary.lines(record), *pushed.sentences):
        sys.stdout.write(f"{wrapped(line, sys.stdout)}\n")
    for command in pushed.commands:  # They are copied as they stand.
        sys.stdout.write(f"  {command}\n")
    sys.stdout.write(f"{index}\n")
    return int(record.state is not State.SUCCEEDED)


def _compile(options: argparse.Namespace) -> int:
    from kanaria.pipelines.compile import compile_pipeline

    compile_pipeline(
        options.pipeline,
        Path(options.output),
        options.image_prefix,
        options.requirements_file,
        resources.of_options(options),
    )
    return 0


def _serve(options: argparse.Namespace) -> int:
    from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
    from kanaria.serving.local.server import serve

    if options.verify_key:
        os.environ[VERIFY_KEY] = str(Path(options.verify_key).absolute())
    manifests = [Path(file) for file in options.manifests]
    serve(Path(options.state), options.port, manifests, grpc_port=options.grpc_port)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from kanaria.serving.doctor import examine_account
    from kanaria.serving.doctor.doctor_report import is_fit, report
    from kanaria.serving.doctor.examine_cluster import examine
    from kanaria.serving.kubernetes_api.client import KubernetesClient
    from kanaria.serving.kubernetes_api.cluster_choice import own_namespace

    cluster = KubernetesClient.connect(options.context)
    namespace = options.namespace or own_namespace(options.context)
    named = options.service_account
    account = examine_account.parse(named, namespace) if named is not None else None
    findings = examine(cluster, namespace, account)
    sys.stdout.write(report(findings))
    return int(not is_fit(findings))


def _lineage(options: argparse.Namespace) -> int:
    from kanaria.components.shared.errors import PermissionDeniedError
    from kanaria.pipelines import lineage
    from kanaria.serving.model_registry.registration import registrations
    from kanaria.serving.rollout.control.environment import connect
    from kanaria.serving.traffic.find_traffic import namespace_of

    if lineage.is_uri(options.target):
        service, links = "", [lineage.of_release(options.target)]
    else:
        namespace = namespace_of(options.namespace, options.state)
        service = f"{namespace}/{options.target}"
        with connect(options.state) as place:
            status = place.traffic.observe(namespace, options.target)
            try:
                registered = registrations(place.trails.read(namespace, options.target))
            except PermissionDeniedError as error:  # Whoever may read services need not read it.
                sys.stderr.write(f"where releases are registered is not known: {error}\n")
                registered = {}
        links = lineage.of_service(namespace, options.target, status, registered)
    lines = lineage.lines(links, Path(options.root) / "runs", service)
    text = lineage.as_json(links, service) if options.json else "\n".join(lines)
    sys.stdout.write(f"{text}\n")
    return 0


def _add(commands: Any, name: str, text: str, **options: Any) -> Any:
    return commands.add_parser(name, help=text, description=text, **options)


def _add_run(commands: Any) -> None:
    run = _add(commands, "run", "run a pipeline on this machine", add_help=False)
    run.add_argument("-h", "--help", action=Help)
    run.add_argument(
        "pipeline",
        help="train_and_deploy, retrain, promote, watch_for_drift, score, or a .yaml file",
    )
    run.add_argument(
        "--config",
        default="",
        metavar="FILE",
        help="YAML file of the pipeline's parameters, and of requirements_file",
    )
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, over the file's; as often as needed",
    )
    run.add_argument("--root", default=ROOT, metavar="FOLDER", help=ROOT_HELP)
    run.add_argument(
        "--pipeline-root", default="", metavar="URI", help="where outputs are copied to as well"
    )
    run.add_argument(
        "--keep-warm",
        type=positive,
        default=0,
        metavar="MINUTES",
        help="keep TensorFlow imported so long for a next run; `kanaria runs stop-warm` ends it",
    )
    run.add_argument(
        "--run-name", default="", metavar="NAME", help="name of the run; no other has it"
    )
    run.set_defaults(command=_run, extra="serving")


def _add_compile(commands: Any) -> None:
    build = _add(commands, "compile", "write a pipeline as YAML for the KFP UI")
    build.add_argument(
        "pipeline", help="train_and_deploy, retrain, promote, watch_for_drift or score"
    )
    build.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
    build.add_argument(
        "--image-prefix", default="", metavar="PREFIX", help="registry and path of the images"
    )
    build.add_argument(
        "--requirements-file", default="", metavar="FILE", help="what `make image-with` was given"
    )
    resources.add_resources(build)
    build.set_defaults(command=_compile)


def _add_serve(commands: Any) -> None:
    serve = _add(commands, "serve", "serve InferenceServices by local processes")
    serve.add_argument(
        "manifests", nargs="*", metavar="FILE.yaml", help="InferenceServices to apply first"
    )
    serve.add_argument("--state", default=STATE, metavar="FOLDER", help="state folder; %(default)s")
    serve.add_argument(
        "--port", type=port, default=8080, help="of this machine, 0 for a free one; %(default)s"
    )
    serve.add_argument(
        "--grpc-port",
        type=port,
        default=None,
        help="for gRPC too, 8081 as KServe's servers, 0 for a free one; none without",
    )
    serve.add_argument(
        "--verify-key",
        default="",
        metavar="PUBLIC.pem",
        help="load only models that are signed for this key; as KANARIA_VERIFY_KEY does",
    )
    serve.set_defaults(command=_serve, extra="serving")


def _add_lineage(commands: Any) -> None:
    lineage = _add(commands, "lineage", "tell which run, data and code a model comes from")
    lineage.add_argument(
        "target", help="name of a service; or path or URI of a release, or of the model in it"
    )
    lineage.add_argument(
        "--namespace", default="", help="of the service; the kubeconfig context's by default"
    )
    lineage.add_argument(
        "--state", default="", help=f"state folder of local serving, as {STATE}; else the cluster"
    )
    lineage.add_argument("--root", default=ROOT, metavar="FOLDER", help=ROOT_HELP)
    lineage.add_argument("--json", action="store_true", help="print everything as JSON")
    lineage.set_defaults(command=_lineage)


def _add_doctor(commands: Any) -> None:
    doctor = _add(commands, "doctor", "tell what a cluster lacks for delivery")
    doctor.add_argument(
        "--namespace", default="", help="of the services; that of the context or the pod by default"
    )
    doctor.add_argument("--context", default="", help="kubeconfig context; the current by default")
    doctor.add_argument(
        "--service-account",
        default=None,
        metavar="NAME",
        help="judge this account of runs, not you; NAMESPACE:NAME where runs are elsewhere",
    )
    doctor.set_defaults(command=_doctor)


def _add_audit(commands: Any) -> None:
    add_audit(commands, STATE)


def _add_predict(commands: Any) -> None:
    add_predict(commands, STATE)


def _add_card(commands: Any) -> None:
    add_card(commands, STATE)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"kanaria {version('kanaria')}\n")
        parser.exit()


ADDED = (
    add_init,
    _add_run,
    _add_compile,
    add_submit,
    add_schedule,
    add_pipelines,
    _add_serve,
    _add_predict,
    add_rollout,
    add_drift,
    add_trigger,
    add_stream,
    add_watch,
    _add_lineage,
    _add_audit,
    _add_card,
    add_sign,
    add_verify,
    _add_doctor,
    add_runs,
)


def parser() -> Parser:
    """Return the parser of every command."""
    parser = Parser(
        prog="kanaria",
        description="Train, evaluate and deliver models with KFP and KServe.",
        epilog="`kanaria COMMAND --help` tells more, `kanaria run PIPELINE --help` its parameters.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    parser.set_defaults(command=parser.show_help, extra="control")
    commands = parser.add_subparsers(
        metavar="init|run|compile|submit|schedule|pipelines|serve|predict|rollout|drift|stream|trigger|watch|lineage|audit|card|sign|verify|doctor|runs"
    )
    for add in ADDED:
        add(commands)
    return parser


def _command() -> int:
    options = parser().parse_args()
    try:
        return int(options.command(options))
    except ModuleNotFoundError as error:
        raise missing_extra.missing(error, options.extra) from error


def main() -> None:
    """Run the command line and exit: 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    sys.exit(code_of(_command))

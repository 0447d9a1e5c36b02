"""The command line `kanaria`. Each command loads only what it needs."""

import argparse
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import KanariaError, ParameterError, shown
from kanaria.pipelines.submit.options import add_schedule, add_submit
from kanaria.serving.drift_server.options import add_drift
from kanaria.serving.rollout.options import add_rollout

ROOT = ".kanaria"


def _run(options: argparse.Namespace) -> int:
    from kanaria.pipelines.local import summary
    from kanaria.pipelines.local.launch import launch
    from kanaria.pipelines.local.record import State
    from kanaria.pipelines.local.run import Root

    root = Root(path=Path(options.root).resolve(), copies=options.pipeline_root)
    record, index = launch(options.pipeline, config=options.config, settings=options.set, root=root)
    failed = [task for task in record.tasks if task.state is State.FAILED]
    for task in failed:
        sys.stderr.write(f"error: {task.name}: {task.cause}\nlog: {task.log}\n")
    sys.stdout.write(summary.text(record, str(index)))
    return int(bool(failed))


def _compile(options: argparse.Namespace) -> int:
    from kanaria.pipelines.compile import compile_pipeline

    compile_pipeline(
        options.pipeline, Path(options.output), options.image_prefix, options.requirements_file
    )
    return 0


def _serve(options: argparse.Namespace) -> int:
    from kanaria.serving.local.server import serve

    serve(Path(options.state), options.port, [Path(file) for file in options.manifests])
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from kanaria.serving.doctor.examine import examine
    from kanaria.serving.doctor.finding import is_fit, report
    from kanaria.serving.kubernetes_client import KubernetesClient

    findings = examine(KubernetesClient.connect(options.context), options.namespace)
    sys.stdout.write(report(findings))
    return int(not is_fit(findings))


def _list(options: argparse.Namespace) -> int:
    from kanaria.pipelines.local.record import all_runs

    for run in all_runs(Path(options.root) / "runs"):
        sys.stdout.write(f"{run.run_id:48} {run.state.value:10} {run.started}\n")
    return 0


def _open(options: argparse.Namespace) -> int:
    from kanaria.pipelines.local.record import all_runs

    runs = Path(options.root) / "runs"
    found = [run for run in all_runs(runs) if run.run_id.startswith(options.run)]
    if not found:
        raise ParameterError(f"run={shown(options.run)}: no such run; see `kanaria runs list`")
    index = (runs / found[-1].run_id / "index.html").resolve()
    sys.stdout.write(f"{index}\n")
    webbrowser.open(index.as_uri())
    return 0


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="run a pipeline on this machine")
    run.add_argument("pipeline", help="train_and_deploy, watch_for_drift, or a compiled .yaml file")
    run.add_argument("--config", default="", help="YAML file of parameters, and requirements_file")
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    run.add_argument("--root", default=ROOT, help="where runs and results are kept")
    run.add_argument("--pipeline-root", default="", help="URI where outputs are copied to as well")
    run.set_defaults(command=_run)


def _add_compile(commands: Any) -> None:
    build = commands.add_parser("compile", help="write a pipeline as YAML for the KFP UI")
    build.add_argument("pipeline", help="train_and_deploy or watch_for_drift")
    build.add_argument("-o", "--output", required=True)
    build.add_argument("--image-prefix", default="", help="registry and path of the images")
    build.add_argument("--requirements-file", default="", help="what `make image-with` was given")
    build.set_defaults(command=_compile)


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser("serve", help="serve InferenceServices by local processes")
    serve.add_argument("manifests", nargs="*", metavar="FILE.yaml")
    serve.add_argument("--state", default=f"{ROOT}/serving", help="state folder")
    serve.add_argument("--port", type=int, default=8080)
    serve.set_defaults(command=_serve)


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser("doctor", help="tell what a cluster lacks for delivery")
    doctor.add_argument("--namespace", default="default", help="namespace of the services")
    doctor.add_argument("--context", default="", help="kubeconfig context; the current by default")
    doctor.set_defaults(command=_doctor)


def _add_runs(commands: Any) -> None:
    runs = commands.add_parser("runs", help="look at runs on this machine")
    verbs = runs.add_subparsers(required=True, metavar="list|open")
    for name, function in (("list", _list), ("open", _open)):
        verb = verbs.add_parser(name, help=f"{name} runs")
        verb.add_argument("--root", default=ROOT)
        verb.set_defaults(command=function)
        if name == "open":
            verb.add_argument("run", nargs="?", default="", help="the run; the newest by default")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"kanaria {version('kanaria')}\n")
        parser.exit()


ADDED = (
    _add_run,
    _add_compile,
    add_submit,
    add_schedule,
    _add_serve,
    add_rollout,
    add_drift,
    _add_doctor,
    _add_runs,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kanaria", description="Train, evaluate and deliver models with KFP and KServe."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = parser.add_subparsers(
        required=True, metavar="run|compile|submit|schedule|serve|rollout|drift|doctor|runs"
    )
    for add in ADDED:
        add(commands)
    return parser


def main() -> None:
    """Run the command line; exit with 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    options = _parser().parse_args()
    # A runner that is told to stop stops its step too, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = options.command(options)
    except KanariaError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)

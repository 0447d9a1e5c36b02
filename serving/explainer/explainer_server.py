"""The process of an explainer on a cluster: one model, one background."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Mapping
from typing import NoReturn

import uvicorn

from kanaria.components.shared import json_log
from kanaria.components.shared.command_line import STOPS, Parser, Stopped, port
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.explanation import shapley_values
from kanaria.serving.explainer import background_rows
from kanaria.serving.explainer.explain_request import Limits
from kanaria.serving.explainer.explanations import Target
from kanaria.serving.explainer.http_routes import application
from kanaria.serving.explainer.predictor_calls import Predictor
from kanaria.serving.listen_socket import listening

logger = logging.getLogger(__name__)
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  A pod is reached by its address.


def add_options(parser: Parser) -> None:
    """Add the options; KServe spells its own with underscores."""
    usual = Limits()
    add = parser.add_argument
    add("--model_name", required=True, help="name of the model")
    add("--predictor_host", required=True, help="HOST or HOST:PORT of the predictor")
    add("--http_port", type=port, default=8080, help="port of this server")
    add("--background", required=True, help="URI of serving samples, or of a file of JSON rows")
    add("--background_rows", type=int, default=usual.background_rows, help="rows of it that count")
    add("--max_evals", type=int, default=usual.max_evals, help="most coalitions an instance")
    add("--time_limit", type=float, default=usual.time_limit, help="seconds a request may take")
    add("--workers", type=int, default=1, help="KServe's; one explanation is computed at a time")


def limits_of(options: argparse.Namespace) -> Limits:
    """Return what a request may cost.

    Raises:
        ParameterError: an option is out of range; all are named.
    """
    faults = Faults("explainer")
    for name in ("background_rows", "max_evals"):
        value = getattr(options, name)
        faults.check(value > 0, f"--{name}", value, "use 1 or more")
    faults.check(options.time_limit > 0, "--time_limit", options.time_limit, "use seconds above 0")
    faults.raise_if_any()
    return Limits(
        max_evals=options.max_evals,
        background_rows=options.background_rows,
        time_limit=options.time_limit,
    )


def serve(options: argparse.Namespace) -> int:
    """Serve explanations of one model until SIGINT or SIGTERM.

    Raises:
        Stopped: always, after SIGINT or SIGTERM.
        ParameterError: an option is wrong.
        DataError: the background is damaged.
        NotReadyError: the port is taken, or the store of the background does not answer.
    """
    json_log.configure("%(message)s", service=options.model_name)
    limits = limits_of(options)
    target = Target(
        predictor=Predictor(
            url=f"http://{options.predictor_host}",
            name=options.model_name,
            form=background_rows.form(options.background, "v1"),
        ),
        background=background_rows.read(options.background),
        where=options.background,
    )

    def target_of(name: str, _headers: Mapping[str, str]) -> Target | None:
        return target if name == options.model_name else None

    run(uvicorn.Config(application(target_of, limits)), ALL_ADDRESSES, options.http_port)


def run(config: uvicorn.Config, host: str, port: int) -> NoReturn:
    """Let SHAP compile, then serve until told to stop.

    Raises:
        Stopped: always, after SIGINT or SIGTERM.
        NotReadyError: the port is taken.
    """
    config.log_config, config.access_log, config.lifespan = None, False, "off"
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # Who connects is answered at once, so a pod is ready when it is.
    shapley_values.warm_up()
    with listening(host, port) as listener:
        logger.info("explaining on port %d", listener.getsockname()[1])
        server = uvicorn.Server(config)
        signals: list[int] = []

        def stop(number: int, _: object) -> None:
            signals.append(number)
            server.should_exit = True

        # uvicorn raises a signal again once it has stopped; that must not cut the end short.
        for number in STOPS:
            signal.signal(number, stop)
        asyncio.run(server.serve(sockets=[listener]))
    if not signals:
        raise NotReadyError("the explainer ended by itself; its last lines say why")
    raise Stopped(signals[0])

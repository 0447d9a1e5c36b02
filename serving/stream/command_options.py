"""The command `kanaria stream`; loads nothing heavy to be listed."""

import argparse
from typing import Any

from kanaria.components.shared.command_line import port

STATE = ".kanaria/serving"
FORM = "%(asctime)s %(levelname)s %(message)s"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a stream."""
    parser.add_argument(
        "--config", required=True, metavar="FILE", help="YAML file of topics, model and batches"
    )
    parser.add_argument(
        "--state",
        default=STATE,
        metavar="FOLDER",
        help="of local serving, for a model without url; %(default)s",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address for --port, 0.0.0.0 for all; %(default)s"
    )
    parser.add_argument(
        "--port",
        type=port,
        default=0,
        help="for /healthz, /readyz and /metrics; a free one by default",
    )


def stream(options: argparse.Namespace) -> int:
    """Answer messages until SIGINT or SIGTERM; what the model was asked is written before it ends.

    Raises:
        KanariaError: the file, a property, a topic or the port cannot be used, or the broker does
            not let this process read or write.
        Stopped: by a signal, when all has ended.
    """
    import logging
    from pathlib import Path

    from kanaria.components.shared import json_log
    from kanaria.serving.stream.run_stream import run
    from kanaria.serving.stream.stream_file import read

    json_log.configure(FORM)
    stream_file = read(Path(options.config))
    model = stream_file.model
    json_log.configure(FORM, namespace=model.namespace, service=model.name)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return run(stream_file, Path(options.state), options.host, options.port)


def add_stream(commands: Any) -> None:
    """Add `stream` to the command line."""
    text = "answer the messages of a Kafka topic by a model, in another topic"
    command = commands.add_parser("stream", help=text, description=text)
    add_options(command)
    command.set_defaults(command=stream)

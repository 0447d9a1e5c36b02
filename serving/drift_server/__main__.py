"""Runs the drift server: `python -m kanaria.serving.drift_server --store LOCATION`."""

import sys

from kanaria.components.shared.command_line import Parser, code_of
from kanaria.serving.drift_server.command_options import STORE_HELP, add_serve_options, serve


def _serve() -> int:
    parser = Parser(prog="python -m kanaria.serving.drift_server", description=__doc__)
    parser.add_argument("--store", required=True, help=STORE_HELP)
    add_serve_options(parser)
    return serve(parser.parse_args())


if __name__ == "__main__":
    sys.exit(code_of(_serve))

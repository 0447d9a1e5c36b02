"""Runs local serving: python -m kanaria.serving.local --state DIR [--port N] [FILE.yaml ...]."""

import argparse
import sys
from pathlib import Path

from kanaria.components.shared.command_line import Parser, code_of, port
from kanaria.serving.local.server import Started, serve


def _options() -> argparse.Namespace:
    parser = Parser(prog="python -m kanaria.serving.local", description=__doc__)
    parser.add_argument(
        "manifests", nargs="*", type=Path, metavar="FILE.yaml", help="InferenceServices to apply"
    )
    parser.add_argument("--state", type=Path, required=True, help="state folder; it is created")
    parser.add_argument("--port", type=port, default=8080, help="0 takes a free one")
    parser.add_argument("--grpc-port", type=port, default=None, help="none without; 0: a free one")
    parser.add_argument("--seed", type=int, default=None, help="makes the router's choices repeat")
    parser.add_argument(
        "--lock", type=int, metavar="FD", help="the folder's, held already; end with the last user"
    )
    parser.add_argument(
        "--spare", action="store_true", help="start on processor time that others leave"
    )
    return parser.parse_args()


def _serve() -> int:
    options = _options()
    started = None if options.lock is None else Started(lock=options.lock, spare=options.spare)
    return serve(
        options.state, options.port, options.manifests, options.seed, started, options.grpc_port
    )


if __name__ == "__main__":
    sys.exit(code_of(_serve))

"""Runs a stream: `python -m kanaria.serving.stream --config FILE`."""

import sys

from kanaria.components.shared.command_line import Parser, code_of
from kanaria.serving.stream.command_options import add_options, stream


def _stream() -> int:
    parser = Parser(prog="python -m kanaria.serving.stream", description=__doc__)
    add_options(parser)
    return stream(parser.parse_args())


if __name__ == "__main__":
    sys.exit(code_of(_stream))

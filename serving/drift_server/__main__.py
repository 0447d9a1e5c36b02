"""Runs the drift server: `python -m kanaria.serving.drift_server --store LOCATION`."""

import argparse
import sys

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.drift_server.options import STORE_HELP, add_serve_options, serve


def main() -> None:
    """Serve until SIGTERM, as `kanaria drift serve` does."""
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.drift_server")
    parser.add_argument("--store", required=True, help=STORE_HELP)
    add_serve_options(parser)
    try:
        serve(parser.parse_args())
    except KanariaError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

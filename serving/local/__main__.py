"""Runs the local server: python -m kanaria.serving.local --state DIR --port N."""

import argparse
from pathlib import Path

from kanaria.serving.local.server import serve


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    serve(options.state, options.port, [])


if __name__ == "__main__":
    main()

"""Runs local serving: python -m kanaria.serving.local --state DIR [--port N] [FILE.yaml ...]."""

import argparse
import sys
from pathlib import Path

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.local.lifeline import die_with
from kanaria.serving.local.server import serve


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m kanaria.serving.local")
    parser.add_argument("manifests", nargs="*", type=Path, metavar="FILE.yaml")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--parent", type=int, default=0, help="end with this process")
    options = parser.parse_args()
    if options.parent:
        die_with(options.parent)
    try:
        serve(options.state, options.port, options.manifests, options.seed)
    except KanariaError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

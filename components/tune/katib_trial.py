"""Runs one trial in the pod that Katib starts for it.

    python -m kanaria.components.tune.katib_trial

What to run, Katib's assignments and the file of the score stand in the environment, see
`katib_order`. The process fails where the trial has no score, and so has the trial failed.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from kanaria.components.shared.storage import atomic
from kanaria.components.tune import katib_order
from kanaria.components.tune.lean_imports import katib_score


def main(environ: Mapping[str, str]) -> None:
    """Run the trial, and write its score for Katib's collector."""
    order = katib_order.read(environ)
    name, value = order.plan.objective, repr(katib_score.score(order))
    line = {"timestamp": datetime.now(UTC).isoformat(), name: value}
    atomic.write_text(Path(order.metrics_file), f"{json.dumps(line)}\n")
    sys.stdout.write(f"{name}={value}\n")


if __name__ == "__main__":
    main(os.environ)

"""Writes the dashboards of Grafana: one service, its drift and labels, its rollout.

Usage: grafana_dashboards.py [--check]   With --check nothing is written; stale files exit 1.
"""

import sys
from pathlib import Path

from dashboard_drift import drift
from dashboard_rollout import rollout
from dashboard_service import service
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parents[2] / "manifests/components/dashboards"


def main() -> int:
    """Write or check the dashboards; return the exit code."""
    texts = {
        FOLDER / f"{page.uid}.json": JSONEncoder(sort_keys=True, indent=2).encode(
            page.build().build()
        )
        + "\n"
        for page in (service(), drift(), rollout())
    }
    stale = [path for path, text in texts.items() if _read(path) != text]
    for path in stale:
        if "--check" not in sys.argv:
            path.write_text(texts[path], encoding="utf-8")
    sys.stdout.write("".join(f"{path.relative_to(FOLDER.parents[2])}\n" for path in stale))
    return int(bool(stale) and "--check" in sys.argv)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())

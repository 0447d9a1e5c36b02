"""The dashboards are what their code makes, and Grafana's sidecar finds them."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "manifests/components/dashboards").glob("*.json"))


def test_the_dashboards_are_up_to_date():
    script = ROOT / ".github/scripts/grafana_dashboards.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_each_has_a_fixed_name_and_the_readers_own_source_of_data():
    assert len(PAGES) == 3
    for page in PAGES:
        dashboard = json.loads(page.read_text())
        assert dashboard["uid"] == page.stem
        sources = [
            part["datasource"]["uid"]
            for part in [*dashboard["panels"], *dashboard["templating"]["list"]]
            if part["type"] not in ("row", "datasource")
        ]
        assert set(sources) == {"${datasource}"}


def test_what_starts_trainings_and_streams_tell_is_all_shown():
    names = re.findall(
        r"^\| `(kanaria_(?:trigger|stream)_\w+)` ",
        (ROOT / "docs/reference/metrics.md").read_text(),
        re.M,
    )
    shown = "".join(page.read_text() for page in PAGES)
    assert len(names) >= 20
    assert [name for name in names if name not in shown] == []

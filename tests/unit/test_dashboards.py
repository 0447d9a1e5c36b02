"""The dashboards are what their code makes, and Grafana's sidecar finds them."""

import json
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

"""The resources of the Prometheus Operator say what the plain files say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_resources_are_up_to_date():
    script = ROOT / ".github/scripts/alert_manifests.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_every_runbook_is_of_an_alert_and_no_alert_lacks_one():
    text = "".join(
        path.read_text() for path in (ROOT / "manifests/components/alerts/rules").glob("*.yaml")
    )
    alerts = {
        line.split(": ")[1] for line in text.splitlines() if line.strip().startswith("- alert: ")
    }
    assert {page.stem for page in (ROOT / "docs/runbooks").glob("*.md")} == alerts

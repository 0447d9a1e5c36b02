"""Each alert fires when it should, and is silent when something like it happens."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from real_prometheus import REMEDY

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "manifests/components/alerts/rules").glob("*.yaml"))
STORIES = sorted((Path(__file__).parent / "rules").glob("*.test.yaml"))
SEVERITIES = {"critical", "warning", "none"}


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool") or pytest.fail(f"no promtool here: {REMEDY}")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts():
    """Return every rule that is an alert."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def expectations():
    """Yield each time at which a story tells of an alert, and the windows of those that fire."""
    for path in STORIES:
        for story in yaml.safe_load(path.read_text())["tests"]:
            for moment in story.get("alert_rule_test", ()):
                fire = moment["exp_alerts"]
                yield moment["alertname"], {one["exp_labels"].get("long") for one in fire}


def test_the_rules_are_rules():
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_alerts_fire_and_do_not(story):
    promtool("test", "rules", story)


def test_every_alert_has_a_story_in_which_it_fires_and_one_in_which_it_does_not():
    names = {(rule["alert"], rule["labels"].get("long")) for rule in alerts()}
    fires = {(name, window) for name, windows in expectations() for window in windows}
    silent = {
        pair
        for pair in names
        for name, windows in expectations()
        if name == pair[0] and pair[1] not in windows
    }
    assert (names - fires, names - silent) == (set(), set())


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_what_and_what_to_do(rule):
    assert rule["alert"].startswith("Kanaria")
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    if rule["labels"]["severity"] != "none":
        assert (
            "$value" in rule["annotations"]["description"]
            or "$labels" in rule["annotations"]["description"]
        )
    page = rule["annotations"]["runbook_url"]
    assert page == f"docs/runbooks/{rule['alert']}.md"
    assert (ROOT / page).read_text().startswith(f"# {rule['alert']}\n")

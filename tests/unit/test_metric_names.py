"""The metrics of all servers follow Prometheus' rules for names, types and labels."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
ROWS = [(name, kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels, _ in ROW.findall(PAGE)]
OTHER_UNITS = re.compile(
    r"_(ms|millis\w*|microseconds|minutes|hours|days|percent|kilobytes|megabytes|kb|mb)(_|$)"
)
BOUNDED = {
    *("namespace", "service", "revision", "version", "detector", "feature", "class", "metric"),
    *("pipeline", "schedule", "phase", "question", "rollout", "canary", "stable", "strategy"),
    *("trigger", "source", "topic", "partition"),
    *("gate", "action", "part", "reason", "outcome", "type", "kind", "verdict", "code"),
}
"""Labels whose values somebody bounds; a request, a user or an address is no label."""


@pytest.mark.parametrize(("name", "kind", "labels"), ROWS, ids=[row[0] for row in ROWS])
def test_a_name_has_a_base_unit_and_its_type_and_bounded_labels(
    name: str, kind: str, labels: list[str]
):
    assert name.startswith("kanaria_")
    assert not OTHER_UNITS.search(name)
    assert name.endswith("_total") == (kind == "counter")
    assert kind in ("counter", "gauge", "histogram")
    assert set(labels) <= BOUNDED
    if kind == "histogram":
        assert name.endswith(("_seconds", "_messages"))


def test_no_name_stands_for_two_things():
    names = [name for name, _, _ in ROWS]
    assert len(names) > 70
    assert len(set(names)) == len(names)

"""The shipped rules with all their times sixty times shorter, so that a test sees them fire.

Only ranges, offsets, `for` and the intervals of groups change: an hour is a minute, a minute a
second. Expressions, thresholds, labels and texts are the shipped ones, and so are numbers of
seconds that are compared with values.
"""

import re
from pathlib import Path

import yaml

RULES = Path(__file__).parents[2] / "manifests/components/alerts/rules"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SHORTER = 60
TIME = r"(\d+)([smhdw])"


def _shorter(match):
    number, unit = match.groups()
    return f"{int(number) * SECONDS[unit] * 1000 // SHORTER}ms"


def shortened():
    """Return the groups of all files, as one."""
    groups = [
        group
        for path in sorted(RULES.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    for group in groups:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["expr"] = re.sub(rf"(?<=\[){TIME}(?=[\]:])", _shorter, rule["expr"])
            rule["expr"] = re.sub(rf"(?<=:){TIME}(?=\])", _shorter, rule["expr"])
            rule["expr"] = re.sub(rf"(?<=offset ){TIME}", _shorter, rule["expr"])
            if "for" in rule:
                rule["for"] = re.sub(TIME, _shorter, rule["for"])
    return yaml.safe_dump({"groups": groups}, sort_keys=False)

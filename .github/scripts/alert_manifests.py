"""Writes the alerts as resources of the Prometheus Operator, from the files of plain servers.

Usage: alert_manifests.py [--check]   With --check nothing is written; stale files exit 1.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

COMPONENTS = Path(__file__).parents[2] / "manifests/components"
RULES = COMPONENTS / "alerts/rules"
ALERTMANAGER = COMPONENTS / "alertmanager/alertmanager.yml"
MARK = "# Written by `make regenerate`, from {}.\n"
RECEIVERS = "kanaria-receivers"
"""The Secret in which each receiver's URL has the key of its name."""
OWN_LABELS = {"release": "kube-prometheus-stack"}
"""By which the operator of the Helm chart picks rules."""
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')


def prometheus_rule() -> str:
    """Return the PrometheusRule of all files of rules."""
    groups = [
        group
        for path in sorted(RULES.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    return MARK.format("rules/*.yaml") + _text(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "kanaria", "labels": OWN_LABELS},
            "spec": {"groups": groups},
        }
    )


def alertmanager_config() -> str:
    """Return the AlertmanagerConfig of the plain configuration."""
    plain = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    inhibitions = [
        {
            "sourceMatch": [_matcher(one) for one in rule["source_matchers"]],
            "targetMatch": [_matcher(one) for one in rule["target_matchers"]],
            "equal": rule["equal"],
        }
        for rule in plain["inhibit_rules"]
    ]
    return MARK.format(ALERTMANAGER.name) + _text(
        {
            "apiVersion": "monitoring.coreos.com/v1alpha1",
            "kind": "AlertmanagerConfig",
            "metadata": {"name": "kanaria", "labels": OWN_LABELS},
            "spec": {
                "route": _route(plain["route"]),
                "inhibitRules": inhibitions,
                "receivers": [_receiver(one) for one in plain["receivers"]],
            },
        }
    )


def _route(plain: Mapping[str, Any]) -> dict[str, Any]:
    route = {_camel(key): value for key, value in plain.items()}
    if "matchers" in plain:
        route["matchers"] = [_matcher(one) for one in plain["matchers"]]
    if "routes" in plain:
        route["routes"] = [_route(one) for one in plain["routes"]]
    return route


def _receiver(plain: Mapping[str, Any]) -> dict[str, Any]:
    hooks = [
        {
            "urlSecret": {"name": RECEIVERS, "key": plain["name"]},
            "sendResolved": hook["send_resolved"],
        }
        for hook in plain.get("webhook_configs", ())
    ]
    return {"name": plain["name"], **({"webhookConfigs": hooks} if hooks else {})}


def _matcher(plain: str) -> dict[str, str]:
    matched = MATCHER.fullmatch(plain)
    if matched is None:
        raise ValueError(f'{ALERTMANAGER}: {plain}: write a matcher as name="value"')
    # Equality is what is meant without a type; a bare "=" is one that PyYAML cannot read.
    kind = {} if matched[2] == "=" else {"matchType": matched[2]}
    return {"name": matched[1], **kind, "value": matched[3]}


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(other.capitalize() for other in others)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, *_: Any) -> bool:
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def _text(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


def main() -> int:
    """Write or check the resources; return the exit code."""
    resources = {
        COMPONENTS / "alerts/prometheus-rule.yaml": prometheus_rule(),
        COMPONENTS / "alertmanager/alertmanager-config.yaml": alertmanager_config(),
    }
    stale = [path for path, text in resources.items() if _read(path) != text]
    for path in stale:
        if "--check" not in sys.argv:
            path.write_text(resources[path], encoding="utf-8")
    sys.stdout.write("".join(f"{path.relative_to(COMPONENTS.parents[1])}\n" for path in stale))
    return int(bool(stale) and "--check" in sys.argv)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())

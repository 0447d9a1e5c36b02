"""Every server that is installed has its probes, and its monitor leaves labels as they are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPONENTS = Path(__file__).parents[2] / "manifests/components"
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def documents(kind: str) -> dict[str, dict[str, Any]]:
    """Return the whole manifests of a kind by name; patches of them have no selector."""
    manifests = [
        manifest
        for file in sorted(COMPONENTS.glob("*/*.yaml"))
        for manifest in yaml.safe_load_all(file.read_text())
        if manifest and manifest.get("kind") == kind and "selector" in manifest["spec"]
    ]
    return {manifest["metadata"]["name"]: manifest for manifest in manifests}


DEPLOYMENTS, MONITORS = documents("Deployment"), documents("PodMonitor")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_container_of_a_server_has_three_probes_at_a_port_of_its_own(name: str):
    for container in DEPLOYMENTS[name]["spec"]["template"]["spec"]["containers"]:
        ports = {port["name"] for port in container["ports"]}
        assert {container[probe]["httpGet"]["port"] for probe in PROBES} <= ports


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_server_is_scraped_at_a_port_it_has_and_keeps_its_labels(name: str):
    pod = DEPLOYMENTS[name]["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    monitors = [
        monitor["spec"]
        for monitor in MONITORS.values()
        if (wanted := monitor["spec"]["selector"].get("matchLabels")) and wanted.items() <= labels
    ]
    (endpoint,) = [endpoint for one in monitors for endpoint in one["podMetricsEndpoints"]]
    ports = {port["name"] for one in pod["spec"]["containers"] for port in one["ports"]}
    assert (endpoint["port"] in ports, endpoint["path"]) == (True, "/metrics")
    # Else Prometheus would call the model's namespace and service exported_….
    assert endpoint["honorLabels"] is True

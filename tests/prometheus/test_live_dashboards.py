"""Every query of every dashboard has an answer where all that it is about runs."""

import json
import re
from pathlib import Path

import pytest
from real_prometheus import CLIENT, until

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "manifests/components/dashboards").glob("*.json"))
CHOSEN = {
    "namespace": "default",
    "service": "taxi",
    "version": "serving",
    "detector": "drift",
    "stream": "flights-scoring",
}
OF_GRAFANA = {"__rate_interval": "10s"}


def filled(query):
    """Return a query with the values that Grafana would put in."""
    written = re.sub(r"\$(\w+)", lambda match: (CHOSEN | OF_GRAFANA)[match[1]], query)
    assert "$" not in written
    return written


def queries():
    for page in PAGES:
        for panel in json.loads(page.read_text())["panels"]:
            for target in panel.get("targets", ()):
                title = f"{page.stem}: {panel['title']}: {target['legendFormat']}"
                yield pytest.param(target["expr"], id=title)


def variables():
    for page in PAGES:
        for one in json.loads(page.read_text())["templating"]["list"]:
            if one["type"] == "query":
                yield pytest.param(one["name"], one["query"], id=f"{page.stem}: {one['name']}")


@pytest.mark.parametrize("query", [*queries()])
def test_a_panel_has_data(live, query):
    until(lambda: live.prometheus.ask(filled(query)))


@pytest.mark.parametrize(("name", "query"), [*variables()])
def test_a_variable_offers_what_is_there(live, name, query):
    (series, label) = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    address = f"{live.prometheus.url}/api/v1/label/{label}/values"
    match = {"match[]": filled(series)}
    until(lambda: CHOSEN[name] in CLIENT.get(address, params=match).json()["data"])


def test_numbers_are_those_of_the_world(live):
    requests = 'sum(kanaria:replica_requests:total{namespace="default", service="taxi"})'
    before, after = (
        int(live.prometheus.ask(requests)[0]["value"][1]),
        next(live.clients.numbers),
    )
    assert 0 < before <= after
    assert live.prometheus.ask('kanaria_rollout_phase{phase="progressing"} == 1')
    (evidence,) = live.prometheus.ask('sum(kanaria_rollout_evidence_ratio{service="taxi"})')
    assert float(evidence["value"][1]) < 1

"""From what goes wrong to the webhook, through the real Prometheus and Alertmanager.

The rules are the shipped ones with times sixty times shorter, see `shortened_rules`.
"""

from live_services import Clients
from one_machine import stage
from real_prometheus import until

PATIENCE = 5
"""How many times as long as for an answer: windows fill at the pace of requests."""


def sent(live, path, alertname, service):
    return [
        one
        for one in live.webhook.alerts(path)
        if (one["labels"]["alertname"], one["labels"]["service"]) == (alertname, service)
    ]


def arrived(live, path, alertname, service):
    """Wait for an alert at the webhook and return it."""
    alert = until(lambda: sent(live, path, alertname, service), times=PATIENCE)[0]
    assert alert["status"] == "firing"
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{alertname}.md"
    return alert


def test_requests_that_are_no_longer_like_the_training_data(live):
    until(lambda: live.prometheus.ask('kanaria_drift_window_rows{version="serving"}'))
    assert not sent(live, "/ticket", "KanariaDrift", "taxi")
    live.clients.moved = 3.0
    alert = arrived(live, "/ticket", "KanariaDrift", "taxi")
    assert alert["labels"]["version"] in ("serving", "alike")  # Both get such requests now.
    assert alert["labels"]["detector"] == "drift"
    assert " of the newest 3 windows" in alert["annotations"]["description"]


def test_a_model_that_starts_to_fail(live):
    stage(live.traffic, live.models / "plain", "fares")
    clients = Clients(live.url, "fares")
    try:
        requests = 'kanaria:revision_requests:increase5m{service="fares"} > 0'
        (good,) = until(lambda: live.prometheus.ask(requests))
        stage(live.traffic, live.models / "failing", "fares")
        assert not sent(live, "/page", "KanariaErrorBudgetBurn", "fares")
        live.traffic.promote("default", "fares")
        alert = arrived(live, "/page", "KanariaErrorBudgetBurn", "fares")
    finally:
        clients.close()
    # The revision that fails is named, not the one before.
    assert alert["labels"]["revision"] == "fares-predictor-00002" != good["metric"]["revision"]
    assert (alert["labels"]["severity"], alert["labels"]["namespace"]) == ("critical", "default")

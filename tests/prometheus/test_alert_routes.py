"""Who is told of what, by the real Alertmanager on the shipped configuration."""

import subprocess

import pytest
from real_alertmanager import CONFIGURATION, Alertmanager, Webhook, program, shipped_to
from real_prometheus import until

ERRORS, LATENCY, JUDGING = (
    "KanariaErrorBudgetBurn",
    "KanariaLatencyBudgetBurn",
    "KanariaRolloutJudging",
)


def amtool(*arguments):
    command = [program("amtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def labels(name, severity="critical", **others):
    return {
        "alertname": name,
        "severity": severity,
        "namespace": "team",
        "service": "tips",
    } | others


def test_the_configuration_is_one():
    assert "SUCCESS" in amtool("check-config", CONFIGURATION)


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        (labels(ERRORS), "page"),
        (labels(ERRORS, "warning"), "ticket"),
        (labels("KanariaDrift", "warning"), "ticket"),
        (labels(JUDGING, "none"), "nobody"),
        ({"alertname": "KubePodCrashLooping", "severity": "critical"}, "nobody"),
    ],
)
def test_an_alert_goes_where_its_severity_says(alert, receiver):
    pairs = [f"{name}={value}" for name, value in alert.items()]
    assert amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *pairs) == receiver


@pytest.fixture
def webhook():
    webhook = Webhook()
    yield webhook
    webhook.close()


@pytest.fixture
def alertmanager(tmp_path, webhook):
    alertmanager = Alertmanager(tmp_path, shipped_to(webhook.url))
    yield alertmanager
    alertmanager.close()


def test_a_canary_under_judgement_pages_nobody_and_the_stable_revision_does(alertmanager, webhook):
    alertmanager.post(labels(JUDGING, "none", revision="tips-2"))
    alertmanager.post(
        labels(ERRORS, revision="tips-2"),
        labels(LATENCY, revision="tips-2"),
        labels(ERRORS, revision="tips-1"),
        labels(ERRORS, revision="tips-2", namespace="others"),
        labels("KanariaRolloutStuck", revision="tips-2"),
    )
    paged = until(lambda: len(webhook.alerts("/page")) >= 3 and webhook.alerts("/page"))
    alerts = {
        (one["labels"]["alertname"], one["labels"]["revision"], one["labels"]["namespace"])
        for one in paged
    }
    assert alerts == {
        (ERRORS, "tips-1", "team"),
        (ERRORS, "tips-2", "others"),
        ("KanariaRolloutStuck", "tips-2", "team"),
    }
    assert alertmanager.muted() == {(ERRORS, "tips-2"), (LATENCY, "tips-2")}


def test_labels_that_both_sides_lack_are_not_equal(alertmanager, webhook):
    alertmanager.post({"alertname": JUDGING, "severity": "none"}, labels(JUDGING, "none"))
    alertmanager.post({"alertname": "KanariaDriftServerGone", "severity": "warning"})
    alertmanager.post(
        {"alertname": ERRORS, "severity": "critical"},
        labels(LATENCY),
        {"alertname": "KanariaDetectorSilent", "severity": "warning"},
    )
    until(lambda: len(webhook.alerts("/page")) == 2 and len(webhook.alerts("/ticket")) == 2)
    assert alertmanager.muted() == set()


def test_who_is_paged_gets_no_ticket_for_the_same(alertmanager, webhook):
    alertmanager.post(labels(ERRORS, revision="tips-1", long="1h"))
    alertmanager.post(
        labels(ERRORS, "warning", revision="tips-1", long="1d"),
        labels(ERRORS, "warning", revision="tips-0", long="1d"),
        labels(LATENCY, "warning", revision="tips-1", long="1d", seconds="0.5"),
    )
    tickets = until(lambda: len(webhook.alerts("/ticket")) >= 2 and webhook.alerts("/ticket"))
    revisions = {(one["labels"]["alertname"], one["labels"]["revision"]) for one in tickets}
    assert revisions == {(ERRORS, "tips-0"), (LATENCY, "tips-1")}


def test_one_message_goes_out_for_a_group(alertmanager, webhook):
    alertmanager.post(*(labels(ERRORS, revision=f"tips-{number}") for number in range(3)))
    (body,) = until(lambda: [body for where, body in webhook.posted if where == "/page"])
    assert len(body["alerts"]) == 3
    assert body["groupLabels"] == {"alertname": ERRORS, "namespace": "team", "service": "tips"}

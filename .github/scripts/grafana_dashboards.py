"""Writes the dashboards of Grafana: one service, its drift and labels, its rollout.

Usage: grafana_dashboards.py [--check]   With --check nothing is written; stale files exit 1.
"""

import sys
from pathlib import Path

from dashboard_parts import Chart, Page
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parents[2] / "manifests/components/dashboards"
SERVICE = 'namespace="$namespace", service="$service"'
DETECTOR = f'{SERVICE}, version="$version", detector="$detector"'
REQUESTS = "kanaria:replica_requests:total"
ALERTS = Chart(
    title="Alerts that fire",
    meaning="Of this service; the runbook of each says what to do.",
    queries={
        "{{alertname}}, {{severity}}": "count by (alertname, severity) "
        f'(ALERTS{{alertname=~"Kanaria.+", alertstate="firing", {SERVICE}}})'
    },
)


def _chosen(metric: str, *others: str) -> dict[str, str]:
    """Return the variables namespace, service and others, each from the series of those before."""
    names, variables = ("namespace", "service", *others), {}
    for place, name in enumerate(names):
        conditions = ", ".join(f'{before}="${before}"' for before in names[:place])
        variables[name] = f"label_values({metric}{{{conditions}}}, {name})"
    return variables


def _rate(metric: str, *labels: str) -> str:
    return f"sum by ({', '.join(labels)}) (rate({metric}{{{SERVICE}}}[$__rate_interval]))"


def _share(metric: str, *labels: str) -> str:
    """Return the share of a revision's requests that a counter counts; nothing without requests."""
    asked = f"({_rate(REQUESTS, 'revision')} > 0)"
    return f"{_rate(metric, *labels)} / on (revision) group_left () {asked}"


def _spent(kind: str, objective: str, window: str) -> str:
    """Return how many times too fast a budget is spent."""
    requests = f"kanaria:revision_requests:increase{window}{{{SERVICE}}}"
    matched = "seconds" if kind == "slow" else "service"
    return (
        f"kanaria:revision_{kind}:increase{window}{{{SERVICE}}} / on (revision) group_left () "
        f"({requests} > 0) / on ({matched}) group_left () {objective}{{{SERVICE}}}"
    )


def _budget(title: str, kind: str, objective: str) -> Chart:
    return Chart(
        title=title,
        meaning="1 spends it in 30 days. Over 14.4 in the hour, or 6 in six hours, somebody is "
        "paged; over 3 in the day, or 1 in three days, there is a ticket.",
        queries={
            f"{{{{revision}}}}, {window}": _spent(kind, objective, window)
            for window in ("1h", "6h", "1d", "3d")
        },
    )


def _plain(metric: str, labels: str = SERVICE) -> str:
    return f"{metric}{{{labels}}}"


def service() -> Page:
    """Return the dashboard of what clients see of a service."""
    clients = (
        Chart(
            title="Requests",
            meaning="Answered in a second, by revision.",
            queries={"{{revision}}": _rate(REQUESTS, "revision")},
            unit="reqps",
        ),
        Chart(
            title="Share of the requests",
            meaning="That each revision answered.",
            queries={
                "{{revision}}": f"{_rate(REQUESTS, 'revision')} / on () group_left () "
                f"(sum(rate({REQUESTS}{{{SERVICE}}}[$__rate_interval])) > 0)"
            },
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="Errors",
            meaning="Share of the requests that a revision answered with 5xx, and what is allowed.",
            queries={
                "{{revision}}": _share("kanaria:replica_errors:total", "revision"),
                "allowed": _plain("kanaria:service_errors:objective"),
            },
            unit="percentunit",
        ),
        Chart(
            title="Slow answers",
            meaning="Share of the requests that took longer than so many seconds.",
            queries={
                "{{revision}}, over {{seconds}} s": _share(
                    "kanaria:replica_slow:total", "revision", "seconds"
                ),
                "allowed over {{seconds}} s": _plain("kanaria:service_latency:objective"),
            },
            unit="percentunit",
        ),
    )
    promised = (
        _budget("Budget of errors: times too fast", "errors", "kanaria:service_errors:objective"),
        _budget("Budget of latency: times too fast", "slow", "kanaria:service_latency:objective"),
        Chart(
            title="Replicas that are counted",
            meaning="By revision and by what counts; one that stands still counts, too.",
            queries={
                "{{revision}}, {{source}}": f"count by (revision, source) ({_plain(REQUESTS)})"
            },
        ),
        ALERTS,
    )
    return Page(
        uid="kanaria-service",
        title="Kanaria: service",
        variables=_chosen(REQUESTS),
        rows={"What clients see": clients, "What was promised": promised},
    )


def _windows() -> tuple[Chart, ...]:
    of_all = DETECTOR + ', feature=""'
    return (
        Chart(
            title="Drifted of the newest three windows",
            meaning="Two or three are an alert.",
            queries={
                "drifted": _plain("kanaria_drift_recent_windows", DETECTOR + ', verdict="drifted"')
            },
            is_number=True,
        ),
        Chart(
            title="Since the newest window",
            meaning="From the end of the newest window that was tested.",
            queries={
                "ago": f"time() - {_plain('kanaria_drift_window_end_timestamp_seconds', DETECTOR)}"
            },
            unit="s",
            is_number=True,
        ),
        Chart(
            title="Rows of the newest window",
            meaning="Too few are not enough to tell.",
            queries={"rows": _plain("kanaria_drift_window_rows", DETECTOR)},
            is_number=True,
        ),
        Chart(
            title="The newest window could not be tested",
            meaning="1 when it failed; the drift server's report says why.",
            queries={"failed": _plain("kanaria_drift_failed", DETECTOR)},
            is_number=True,
        ),
        Chart(
            title="Size of the difference, by feature",
            meaning="The ten largest effects; small ones matter to nobody, however sure.",
            queries={
                "{{feature}}": "topk(10, "
                + _plain("kanaria_drift_effect", DETECTOR + ', feature!=""')
                + ")"
            },
        ),
        Chart(
            title="P-value of all features together",
            meaning="Corrected for their number. Drift needs a small one and an effect.",
            queries={"p": _plain("kanaria_drift_p_value", of_all)},
            most=1,
        ),
        Chart(
            title="Missing values, by feature",
            meaning="The ten largest shares of rows without a value.",
            queries={"{{feature}}": f"topk(10, {_plain('kanaria_input_missing_ratio', DETECTOR)})"},
            unit="percentunit",
        ),
        Chart(
            title="Answers: mean, by output",
            meaning="Of the newest window.",
            queries={"{{feature}}": _plain("kanaria_output_mean", DETECTOR)},
        ),
    )


def drift() -> Page:
    """Return the dashboard of what the drift server finds in requests and labels."""
    labels = (
        Chart(
            title="Quality by labels",
            meaning="Of the newest window due for labels, with its 95 % band.",
            queries={
                "{{metric}}": _plain("kanaria_quality_value", DETECTOR),
                "{{metric}}, low": _plain("kanaria_quality_low", DETECTOR),
                "{{metric}}, high": _plain("kanaria_quality_high", DETECTOR),
            },
        ),
        Chart(
            title="Labels that have come",
            meaning="Share of the rows of the newest window due for labels, by version.",
            queries={"{{version}}": _plain("kanaria_label_coverage_ratio")},
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="How late labels are",
            meaning="Mean time from a request to its label, by version.",
            queries={"{{version}}": _plain("kanaria_label_lag_seconds")},
            unit="s",
        ),
        ALERTS,
    )
    server = (
        Chart(
            title="Payload events",
            meaning="Taken in a second by the drift servers, of all services.",
            queries={
                "{{type}}, {{outcome}}": "sum by (type, outcome) "
                "(rate(kanaria_payload_events_total[$__rate_interval]))"
            },
            unit="reqps",
        ),
        Chart(
            title="Refused",
            meaning="Events and labels of which nothing is kept, in a second, by reason.",
            queries={
                "{{reason}}": "sum by (reason) "
                "(rate(kanaria_payload_refused_total[$__rate_interval]))"
            },
            unit="reqps",
        ),
        Chart(
            title="Newest event",
            meaning="How long ago the newest event of this service was.",
            queries={
                "ago": "time() - max by (namespace, service) "
                f"({_plain('kanaria_store_newest_event_timestamp_seconds')})"
            },
            unit="s",
        ),
        Chart(
            title="Store",
            meaning="What this service's events take, and the whole store.",
            queries={
                "this service": f"sum({_plain('kanaria_store_bytes')})",
                "the store": "kanaria_store_size_bytes",
            },
            unit="bytes",
        ),
    )
    return Page(
        uid="kanaria-drift",
        title="Kanaria: drift and labels",
        variables=_chosen("kanaria_drift_window_rows", "version", "detector"),
        rows={"Requests": _windows(), "Labels": labels, "Drift server": server},
    )


def rollout() -> Page:
    """Return the dashboard of a service's newest rollout."""
    stands = (
        Chart(
            title="Phase",
            meaning="Of the newest rollout.",
            queries={"{{phase}}": f"{_plain('kanaria_rollout_phase')} == 1"},
            is_number=True,
        ),
        Chart(
            title="A person is asked",
            meaning="How many questions wait for an answer.",
            queries={"questions": f"sum({_plain('kanaria_rollout_question')})"},
            is_number=True,
        ),
        Chart(
            title="Since the last look",
            meaning="Minutes without one mean that nothing judges the canary.",
            queries={"ago": _plain("kanaria_rollout_last_look_age_seconds")},
            unit="s",
            is_number=True,
        ),
        Chart(
            title="Since its beginning",
            meaning="Of the newest rollout.",
            queries={
                "rollout {{rollout}}, canary {{canary}}": "(time() - "
                f"{_plain('kanaria_rollout_started_timestamp_seconds')}) "
                "* on (namespace, service) group_left (rollout, canary) "
                f"{_plain('kanaria_rollout_info')}"
            },
            unit="s",
            is_number=True,
        ),
    )
    judged = (
        Chart(
            title="Share of the canary",
            meaning="As decided, and as the platform last had it.",
            queries={
                "decided": _plain("kanaria_rollout_desired_ratio"),
                "seen": _plain("kanaria_rollout_observed_ratio"),
            },
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="Evidence against the canary",
            meaning="Share of the promise that each gate has spent; at a sum of 1 it goes back.",
            queries={
                "{{gate}}": _plain("kanaria_rollout_evidence_ratio"),
                "all": f"sum({_plain('kanaria_rollout_evidence_ratio')})",
            },
            unit="percentunit",
        ),
        Chart(
            title="Errors, by revision",
            meaning="Share of the requests that each answered with 5xx.",
            queries={"{{revision}}": _share("kanaria:replica_errors:total", "revision")},
            unit="percentunit",
        ),
        Chart(
            title="Decisions",
            meaning="In an hour, by action.",
            queries={
                "{{action}}": "sum by (action) (increase("
                f"{_plain('kanaria_rollout_decisions_total')}[1h]))"
            },
        ),
    )
    controller = (
        Chart(
            title="Rollouts, by phase",
            meaning="Of all services that the controllers look after.",
            queries={"{{phase}}": "sum by (phase) (kanaria_rollouts)"},
        ),
        ALERTS,
    )
    return Page(
        uid="kanaria-rollout",
        title="Kanaria: rollout",
        variables=_chosen("kanaria_rollout_phase"),
        rows={"Where it stands": stands, "What it judges": judged, "Controller": controller},
    )


def main() -> int:
    """Write or check the dashboards; return the exit code."""
    texts = {
        FOLDER / f"{page.uid}.json": JSONEncoder(sort_keys=True, indent=2).encode(
            page.build().build()
        )
        + "\n"
        for page in (service(), drift(), rollout())
    }
    stale = [path for path, text in texts.items() if _read(path) != text]
    for path in stale:
        if "--check" not in sys.argv:
            path.write_text(texts[path], encoding="utf-8")
    sys.stdout.write("".join(f"{path.relative_to(FOLDER.parents[2])}\n" for path in stale))
    return int(bool(stale) and "--check" in sys.argv)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())

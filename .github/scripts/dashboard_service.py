"""The dashboard of what clients see of a service, and of what it promised."""

from dashboard_parts import Chart, Page
from dashboard_queries import ALERTS, REQUESTS, SERVICE, chosen, rate, series, share
from dashboard_servers import STREAMS, streams


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


def _clients() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Requests",
            meaning="Answered in a second, by revision.",
            queries={"{{revision}}": rate(REQUESTS, "revision")},
            unit="reqps",
        ),
        Chart(
            title="Share of the requests",
            meaning="That each revision answered.",
            queries={
                "{{revision}}": f"{rate(REQUESTS, 'revision')} / on () group_left () "
                f"(sum(rate({REQUESTS}{{{SERVICE}}}[$__rate_interval])) > 0)"
            },
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="Errors",
            meaning="Share of the requests that a revision answered with 5xx, and what is allowed.",
            queries={
                "{{revision}}": share("kanaria:replica_errors:total", "revision"),
                "allowed": series("kanaria:service_errors:objective"),
            },
            unit="percentunit",
        ),
        Chart(
            title="Slow answers",
            meaning="Share of the requests that took longer than so many seconds.",
            queries={
                "{{revision}}, over {{seconds}} s": share(
                    "kanaria:replica_slow:total", "revision", "seconds"
                ),
                "allowed over {{seconds}} s": series("kanaria:service_latency:objective"),
            },
            unit="percentunit",
        ),
    )


def _promised() -> tuple[Chart, ...]:
    return (
        _budget("Budget of errors: times too fast", "errors", "kanaria:service_errors:objective"),
        _budget("Budget of latency: times too fast", "slow", "kanaria:service_latency:objective"),
        Chart(
            title="Replicas that are counted",
            meaning="By revision and by what counts; one that stands still counts, too.",
            queries={
                "{{revision}}, {{source}}": f"count by (revision, source) ({series(REQUESTS)})"
            },
        ),
        ALERTS,
    )


def service() -> Page:
    """Return the dashboard of what clients see of a service."""
    return Page(
        uid="kanaria-service",
        title="Kanaria: service",
        variables=chosen(REQUESTS) | {"stream": STREAMS},
        rows={
            "What clients see": _clients(),
            "What was promised": _promised(),
            "Stream": streams(),
        },
    )

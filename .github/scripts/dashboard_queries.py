"""The queries that several dashboards share."""

from dashboard_parts import Chart

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


def chosen(metric: str, *others: str) -> dict[str, str]:
    """Return the variables namespace, service and others, each from the series of those before."""
    names, variables = ("namespace", "service", *others), {}
    for place, name in enumerate(names):
        conditions = ", ".join(f'{before}="${before}"' for before in names[:place])
        variables[name] = f"label_values({metric}{{{conditions}}}, {name})"
    return variables


def rate(metric: str, *labels: str) -> str:
    """Return how fast counters of the service grow, a second, by labels."""
    return f"sum by ({', '.join(labels)}) (rate({metric}{{{SERVICE}}}[$__rate_interval]))"


def share(metric: str, *labels: str) -> str:
    """Return the share of a revision's requests that a counter counts; nothing without requests."""
    requests = f"({rate(REQUESTS, 'revision')} > 0)"
    return f"{rate(metric, *labels)} / on (revision) group_left () {requests}"


def series(metric: str, labels: str = SERVICE) -> str:
    """Return the series of a metric that have these labels."""
    return f"{metric}{{{labels}}}"


def same(metric: str, labels: str = SERVICE) -> str:
    """Return what every replica of the drift server tells, once."""
    return f"max without (pod, instance) ({series(metric, labels)})"


def quantiles(metric: str, labels: str) -> dict[str, str]:
    """Return the median and the 99th percentile of a histogram's series that have these labels."""
    rates = f"sum by (le) (rate({metric}_bucket{{{labels}}}[$__rate_interval]))"
    return {
        "half": f"histogram_quantile(0.5, {rates})",
        "99 %": f"histogram_quantile(0.99, {rates})",
    }

"""The dashboard of what the drift server finds in requests and labels."""

from dashboard_parts import Chart, Page
from dashboard_queries import ALERTS, DETECTOR, chosen, same, series
from dashboard_servers import triggers


def _windows() -> tuple[Chart, ...]:
    of_all = DETECTOR + ', feature=""'
    return (
        Chart(
            title="Drifted of the newest three windows",
            meaning="Two or three are an alert.",
            queries={
                "drifted": same("kanaria_drift_recent_windows", DETECTOR + ', verdict="drifted"')
            },
            is_number=True,
        ),
        Chart(
            title="Since the newest window",
            meaning="From the end of the newest window that was tested.",
            queries={
                "ago": f"time() - {same('kanaria_drift_window_end_timestamp_seconds', DETECTOR)}"
            },
            unit="s",
            is_number=True,
        ),
        Chart(
            title="Rows of the newest window",
            meaning="Too few are not enough to tell.",
            queries={"rows": same("kanaria_drift_window_rows", DETECTOR)},
            is_number=True,
        ),
        Chart(
            title="The newest window could not be tested",
            meaning="1 when it failed; the drift server's report says why.",
            queries={"failed": same("kanaria_drift_failed", DETECTOR)},
            is_number=True,
        ),
        Chart(
            title="Size of the difference, by feature",
            meaning="The ten largest effects; small ones matter to nobody, however sure.",
            queries={
                "{{feature}}": "topk(10, "
                + same("kanaria_drift_effect", DETECTOR + ', feature!=""')
                + ")"
            },
        ),
        Chart(
            title="P-value of all features together",
            meaning="Corrected for their number. Drift needs a small one and an effect.",
            queries={"p": same("kanaria_drift_p_value", of_all)},
            most=1,
        ),
        Chart(
            title="Missing values, by feature",
            meaning="The ten largest shares of rows without a value.",
            queries={"{{feature}}": f"topk(10, {same('kanaria_input_missing_ratio', DETECTOR)})"},
            unit="percentunit",
        ),
        Chart(
            title="Answers: mean, by output",
            meaning="Of the newest window.",
            queries={"{{feature}}": same("kanaria_output_mean", DETECTOR)},
        ),
    )


def _labels() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Quality by labels",
            meaning="Of the newest window due for labels, with its 95 % band.",
            queries={
                "{{metric}}": same("kanaria_quality_value", DETECTOR),
                "{{metric}}, low": same("kanaria_quality_low", DETECTOR),
                "{{metric}}, high": same("kanaria_quality_high", DETECTOR),
            },
        ),
        Chart(
            title="Labels that have come",
            meaning="Share of the rows of the newest window due for labels, by version.",
            queries={"{{version}}": same("kanaria_label_coverage_ratio")},
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="How late labels are",
            meaning="Mean time from a request to its label, by version.",
            queries={"{{version}}": same("kanaria_label_lag_seconds")},
            unit="s",
        ),
        ALERTS,
    )


def _server() -> tuple[Chart, ...]:
    return (
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
                f"({series('kanaria_store_newest_event_timestamp_seconds')})"
            },
            unit="s",
        ),
        Chart(
            title="Store",
            meaning="What this service's events take, and the whole store.",
            queries={
                "this service": same("kanaria_store_bytes"),
                "the store": "max(kanaria_store_size_bytes)",
            },
            unit="bytes",
        ),
    )


def drift() -> Page:
    """Return the dashboard of what the drift server finds in requests and labels."""
    return Page(
        uid="kanaria-drift",
        title="Kanaria: drift and labels",
        variables=chosen("kanaria_drift_window_rows", "version", "detector"),
        rows={
            "Requests": _windows(),
            "Labels": _labels(),
            "Drift server": _server(),
            "What starts trainings": triggers(),
        },
    )

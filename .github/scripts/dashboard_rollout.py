"""The dashboard of a service's newest rollout."""

from dashboard_parts import Chart, Page
from dashboard_queries import ALERTS, chosen, series, share


def _stands() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Phase",
            meaning="Of the newest rollout.",
            queries={"{{phase}}": f"{series('kanaria_rollout_phase')} == 1"},
            is_number=True,
        ),
        Chart(
            title="A person is asked",
            meaning="How many questions wait for an answer.",
            queries={"questions": f"sum({series('kanaria_rollout_question')})"},
            is_number=True,
        ),
        Chart(
            title="Since the last look",
            meaning="Minutes without one mean that nothing judges the canary.",
            queries={"ago": series("kanaria_rollout_last_look_age_seconds")},
            unit="s",
            is_number=True,
        ),
        Chart(
            title="Since its beginning",
            meaning="Of the newest rollout.",
            queries={
                "rollout {{rollout}}, canary {{canary}}": "(time() - "
                f"{series('kanaria_rollout_started_timestamp_seconds')}) "
                "* on (namespace, service) group_left (rollout, canary) "
                f"{series('kanaria_rollout_info')}"
            },
            unit="s",
            is_number=True,
        ),
    )


def _judged() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Share of the canary",
            meaning="As decided, and as the platform last had it.",
            queries={
                "decided": series("kanaria_rollout_desired_ratio"),
                "seen": series("kanaria_rollout_observed_ratio"),
            },
            unit="percentunit",
            most=1,
        ),
        Chart(
            title="Evidence against the canary",
            meaning="Share of the promise that each gate has spent; at a sum of 1 it goes back.",
            queries={
                "{{gate}}": series("kanaria_rollout_evidence_ratio"),
                "all": f"sum({series('kanaria_rollout_evidence_ratio')})",
            },
            unit="percentunit",
        ),
        Chart(
            title="Errors, by revision",
            meaning="Share of the requests that each answered with 5xx.",
            queries={"{{revision}}": share("kanaria:replica_errors:total", "revision")},
            unit="percentunit",
        ),
        Chart(
            title="Decisions",
            meaning="In an hour, by action.",
            queries={
                "{{action}}": "sum by (action) (increase("
                f"{series('kanaria_rollout_decisions_total')}[1h]))"
            },
        ),
    )


def _controller() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Rollouts, by phase",
            meaning="Of all services that the controllers look after.",
            queries={"{{phase}}": "sum by (phase) (kanaria_rollouts)"},
        ),
        ALERTS,
    )


def rollout() -> Page:
    """Return the dashboard of a service's newest rollout."""
    return Page(
        uid="kanaria-rollout",
        title="Kanaria: rollout",
        variables=chosen("kanaria_rollout_phase"),
        rows={
            "Where it stands": _stands(),
            "What it judges": _judged(),
            "Controller": _controller(),
        },
    )

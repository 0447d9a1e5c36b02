"""Rows about servers that work for several services: what starts trainings, and streams."""

from dashboard_parts import Chart
from dashboard_queries import quantiles

STREAM = 'job="$stream"'
STREAMS = "label_values(kanaria_stream_commits_total, job)"
"""Processes of one stream have one job."""


def triggers() -> tuple[Chart, ...]:
    """Return the panels of what starts trainings; servers that share a store tell the same."""
    return _what_waits() + _what_came()


def _what_waits() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Trigger servers whose store answers",
            meaning="With none of them nothing starts trainings.",
            queries={"servers": "sum(kanaria_trigger_store_ready)"},
            is_number=True,
        ),
        Chart(
            title="Events that wait for their run",
            meaning="Accepted, and their run has not begun yet.",
            queries={"{{trigger}}": "max by (trigger) (kanaria_trigger_waiting)"},
            is_number=True,
        ),
        Chart(
            title="Runs that go on",
            meaning="That a trigger started, by pipeline.",
            queries={"{{pipeline}}": "max by (pipeline) (kanaria_trigger_runs_active)"},
            is_number=True,
        ),
        Chart(
            title="Runs left today",
            meaning="Of those that a trigger may start on one day, where it has such a limit.",
            queries={"{{trigger}}": "max by (trigger) (kanaria_trigger_budget_remaining)"},
            is_number=True,
        ),
    )


def _what_came() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Messages taken in",
            meaning="In an hour, by the way they came.",
            queries={
                "{{source}}": "sum by (source) (increase(kanaria_trigger_received_total[1h]))"
            },
        ),
        Chart(
            title="Runs started",
            meaning="In a day, by trigger.",
            queries={
                "{{trigger}}": "sum by (trigger) (increase(kanaria_trigger_started_total[1d]))"
            },
        ),
        Chart(
            title="Refused",
            meaning="Events of an hour that start no run, by why; trigger list says more.",
            queries={
                "{{trigger}}, {{reason}}": "sum by (trigger, reason) "
                "(increase(kanaria_trigger_refused_total[1h]))"
            },
        ),
        Chart(
            title="Tries that failed",
            meaning="In half an hour, by the kind of error; three are an alert.",
            queries={
                "{{trigger}}, {{reason}}": "sum by (trigger, reason) "
                "(increase(kanaria_trigger_failed_total[30m]))"
            },
        ),
        Chart(
            title="Since a run last began",
            meaning="By trigger.",
            queries={
                "{{trigger}}": "time() - "
                "max by (trigger) (kanaria_trigger_last_started_timestamp_seconds)"
            },
            unit="s",
        ),
    )


def streams() -> tuple[Chart, ...]:
    """Return the panels of the stream that is chosen, all of its processes together."""
    return _how_it_stands() + _answers() + _batches()


def _how_it_stands() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Messages that are not committed",
            meaning="Of all partitions: what waits in the topic, and what is on its way.",
            queries={"lag": f"sum(kanaria_stream_lag_messages{{{STREAM}}})"},
            is_number=True,
        ),
        Chart(
            title="Messages on their way",
            meaning="Taken from the topic, and not answered yet.",
            queries={"messages": f"sum(kanaria_stream_in_flight_messages{{{STREAM}}})"},
            is_number=True,
        ),
        Chart(
            title="Processes that wait for the model",
            meaning="They take nothing meanwhile: the model is the narrow place.",
            queries={"processes": f"sum(kanaria_stream_paused{{{STREAM}}})"},
            is_number=True,
        ),
        Chart(
            title="Since the last commit",
            meaning="Of any process; without messages it grows, too.",
            queries={
                "ago": f"time() - max(kanaria_stream_last_commit_timestamp_seconds{{{STREAM}}})"
            },
            unit="s",
            is_number=True,
        ),
    )


def _answers() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Messages answered",
            meaning="In a second: scored, or dead letters.",
            queries={"{{outcome}}": _rate("messages_total", "outcome")},
            unit="cps",
        ),
        Chart(
            title="Dead letters",
            meaning="In a second, by reason; the letters' headers say more.",
            queries={"{{reason}}": _rate("dead_letters_total", "reason")},
            unit="cps",
        ),
        Chart(
            title="From a message to its answer",
            meaning="Seconds from the message's timestamp until the broker has the answer.",
            queries=quantiles("kanaria_stream_delay_seconds", STREAM),
            unit="s",
        ),
        Chart(
            title="Answers of the model",
            meaning="Seconds from a request of the stream to its answer.",
            queries=quantiles("kanaria_stream_model_seconds", STREAM),
            unit="s",
        ),
        Chart(
            title="Requests to the model",
            meaning="In a second, by status; 0 where nobody answered.",
            queries={"{{code}}": _rate("model_requests_total", "code")},
            unit="reqps",
        ),
    )


def _batches() -> tuple[Chart, ...]:
    return (
        Chart(
            title="Messages not committed, by partition",
            meaning="One that grows alone has a slow process, or a message that holds it up.",
            queries={
                "{{topic}}/{{partition}}": "sum by (topic, partition) "
                f"(kanaria_stream_lag_messages{{{STREAM}}})"
            },
        ),
        Chart(
            title="Messages of a batch",
            meaning="On average.",
            queries={
                "messages": f"{_rate('batch_messages_sum')} / ({_rate('batch_messages_count')} > 0)"
            },
        ),
        Chart(
            title="Commits",
            meaning="In a second; one that is aborted is made again.",
            queries={"{{outcome}}": _rate("commits_total", "outcome")},
            unit="cps",
        ),
    )


def _rate(name: str, *labels: str) -> str:
    of = f"by ({', '.join(labels)}) " if labels else ""
    return f"sum {of}(rate(kanaria_stream_{name}{{{STREAM}}}[$__rate_interval]))"

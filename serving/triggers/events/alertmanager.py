"""Alertmanager's webhook: one event for each alert that fires. Pure.

Alertmanager repeats a notification after `repeat_interval` while its alerts fire, with the same
fingerprint and start: one happening, which the sender repeats as long as it holds. One notification
holds firing and resolved alerts of a group; what is resolved starts nothing.

Source: Prometheus documentation, "Alertmanager: webhook_config", version 4 of the body.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, parsed
from kanaria.serving.triggers.events.event import LONGEST, Event, EventError, Kind, Source, key_of

FIRING = "firing"
REPORT = "report"
"""Annotation of an alert that names the page of what was found."""


def read(body: bytes) -> list[Event]:
    """Return the alerts that fire.

    Raises:
        EventError: it is no notification of Alertmanager.
    """
    try:
        document = parsed(body)
    except (RequestError, RecursionError) as error:
        raise EventError(str(error)) from error
    alerts = document.get("alerts") if isinstance(document, Mapping) else None
    if not isinstance(alerts, list):
        raise EventError(f"body {shown(document)}: no `alerts`; send Alertmanager's webhook body")
    read_alerts = [_alert(alert, number) for number, alert in enumerate(alerts)]
    return [event for event in read_alerts if event]


def _alert(alert: Any, number: int) -> Event | None:
    where = f"alerts.{number}"
    if not isinstance(alert, Mapping):
        raise EventError(f"{where}={shown(alert)}: send a mapping")
    labels, start = alert.get("labels"), alert.get("startsAt")
    if not isinstance(labels, Mapping) or not isinstance(start, str) or not start:
        raise EventError(f"{where}={shown(alert)}: send labels and startsAt")
    if alert.get("status") != FIRING:
        return None
    names = {str(name): str(value) for name, value in labels.items()}
    fingerprint = str(alert.get("fingerprint") or sorted(names.items()))
    annotations = alert.get("annotations")
    texts = annotations if isinstance(annotations, Mapping) else {}
    summary = str(texts.get("summary") or "")
    return Event(
        source=Source.ALERTMANAGER,
        kind=Kind.ALERT,
        key=key_of("alert", fingerprint, start),
        what=f"alert {names.get('alertname', fingerprint)} fires since {start}: {summary}"[
            :LONGEST
        ].rstrip(": "),
        facts={"labels": names, "report": str(texts.get(REPORT) or "")},
        repeats=True,
    )

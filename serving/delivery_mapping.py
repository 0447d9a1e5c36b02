"""How a release comes to its traffic, as one mapping. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving import card_fields, signature_keys
from kanaria.serving.card_fields import CardFields
from kanaria.serving.checks import check_limits

WHERE = "delivery"


class OnActive(StrEnum):
    """What another model does to an active rollout.

    REFUSE     the push fails, the rollout goes on
    SUPERSEDE  the rollout ends as superseded, the new model takes the canary's place
    """

    REFUSE = "refuse"
    SUPERSEDE = "supersede"


DELIVERY = (
    Key(
        name="on_active",
        kind=Kind.TEXT,
        meaning="refuse or supersede: what a push does while a rollout of another model is active.",
        default=OnActive.REFUSE.value,
    ),
    Key(
        name="ready_timeout",
        kind=Kind.INTEGER,
        meaning="seconds to wait until the new revision is ready.",
        default=600,
    ),
    Key(
        name="checks",
        kind=Kind.MAPPING,
        meaning="{load: {p99_ms: 500}}: limits of the checks before any traffic, false leaves one "
        "out; see the README of push_model.",
        default={},
    ),
    Key(
        name="prometheus_url",
        kind=Kind.TEXT,
        meaning="http://host: the cluster's Prometheus, for a rollout; empty for "
        "KANARIA_PROMETHEUS_URL.",
        default="",
    ),
    Key(
        name="drift_server_url",
        kind=Kind.TEXT,
        meaning="http://host: the drift server, for a rollout that compares models' answers; empty "
        "for KANARIA_DRIFT_SERVER.",
        default="",
    ),
    *signature_keys.KEYS,
    Key(
        name="card",
        kind=Kind.MAPPING,
        meaning="{license: apache-2.0}: what only people know of the model, for its model card.",
        default={},
        keys=card_fields.CARD,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How a release comes to its traffic.

    Attributes:
        on_active: what to do while a rollout of another model is active.
        ready_timeout: seconds to wait for the revision, more than 0.
        checks: limits of the checks before any traffic; {} for the defaults.
        prometheus_url: of the cluster's Prometheus, or "".
        drift_server_url: of the drift server, or "".
        signing_key: file of the private key that signs, or "$NAME"; or "".
        verify_key: file of the public key that a release must be signed for, likewise.
        card: what people say of the model.
    """

    on_active: OnActive = OnActive.REFUSE
    ready_timeout: int = 600
    checks: Mapping[str, Any] = field(default_factory=dict)
    prometheus_url: str = ""
    drift_server_url: str = ""
    signing_key: str = ""
    verify_key: str = ""
    card: CardFields = field(default_factory=CardFields)


def parse(mapping: Any, faults: Faults) -> Delivery:
    """Return what a mapping asks for; it is usable only when no fault was added.

    Args:
        mapping: what the user wrote; {} for the defaults.
        faults: gets everything that is wrong, each with the way to it.
    """
    values = keys.read(mapping, DELIVERY, WHERE, faults)
    seconds, on_active = values["ready_timeout"], values["on_active"]
    is_known = on_active in tuple(OnActive)
    faults.check(is_known, f"{WHERE}.on_active", on_active, f"use {' or '.join(OnActive)}")
    fits = seconds > 0
    faults.check(fits, f"{WHERE}.ready_timeout", seconds, "use more than 0 seconds")
    check_limits.parse(values["checks"], faults, f"{WHERE}.checks")
    for name in ("prometheus_url", "drift_server_url"):
        url = values[name]
        fits = not url or url.startswith(("http://", "https://"))
        faults.check(fits, f"{WHERE}.{name}", url, "use http(s)")
    for name in (key.name for key in signature_keys.KEYS):
        signature_keys.check(f"{WHERE}.{name}", values[name], faults)
    return Delivery(
        on_active=OnActive(on_active) if is_known else OnActive.REFUSE,
        ready_timeout=seconds,
        checks=values["checks"],
        prometheus_url=values["prometheus_url"],
        drift_server_url=values["drift_server_url"],
        signing_key=values["signing_key"],
        verify_key=values["verify_key"],
        card=card_fields.parse(values["card"], f"{WHERE}.card", faults),
    )

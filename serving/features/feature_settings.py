"""What a service's `features` say, as a user writes them and as a transformer's argument. Pure.

The argument is one JSON text, so a manifest holds the whole of it, and local serving reads it as
the transformer on a cluster does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import CONTROL_IMAGE

WHERE = "service.features"
COMMAND = ["python", "-m", "kanaria.serving.features"]
OPTION = "--features"
CONTAINER = "kserve-container"
FAIL, DEFAULTS = "fail", "defaults"
POLICIES = (FAIL, DEFAULTS)
MOST_MILLISECONDS = 60_000
FEATURES = (
    Key(
        name="url",
        kind=Kind.TEXT,
        meaning="http://feast.features:6566: Feast's feature server; empty for no features.",
        default="",
    ),
    Key(
        name="featureService",
        kind=Kind.TEXT,
        meaning="trips_v1: name of the feature service that the model was trained on.",
        default="",
    ),
    Key(
        name="entities",
        kind=Kind.LIST,
        meaning="[driver_id]: join keys, which requests name and the model does not get.",
        default=[],
        entries=Kind.TEXT,
    ),
    Key(
        name="keepEntities",
        kind=Kind.BOOLEAN,
        meaning="true if the join keys are inputs of the model, too.",
        default=False,
    ),
    Key(
        name="fullFeatureNames",
        kind=Kind.BOOLEAN,
        meaning="true if the model was trained with full_feature_names, VIEW__FEATURE.",
        default=False,
    ),
    Key(
        name="timeoutMilliseconds",
        kind=Kind.INTEGER,
        meaning="how long the feature server is waited for.",
        default=500,
    ),
    Key(
        name="maxAgeSeconds",
        kind=Kind.MAPPING,
        meaning="{trips: 172800}: age beyond which a feature's value is stale; others never are.",
        default={},
        entries=Kind.INTEGER,
    ),
    Key(
        name="defaults",
        kind=Kind.MAPPING,
        meaning="{trips: 0, town: null}: values in the place of those that are not there; null is "
        "a missing value, as the join gives it.",
        default={},
    ),
    Key(
        name="missing",
        kind=Kind.TEXT,
        meaning="fail or defaults: what becomes of a row whose feature has no value.",
        default=FAIL,
    ),
    Key(
        name="stale",
        kind=Kind.TEXT,
        meaning="fail or defaults: what becomes of a row whose feature is older than it may be.",
        default=FAIL,
    ),
    Key(
        name="unreachable",
        kind=Kind.TEXT,
        meaning="fail or defaults: what becomes of requests while the feature server does not "
        "answer in time.",
        default=FAIL,
    ),
    Key(
        name="image",
        kind=Kind.TEXT,
        meaning="registry.example.com/ml/kanaria-control:0.1.0: image of the transformer; empty "
        "for this version's, without a registry.",
        default="",
    ),
)
"""Every key of the mapping."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSettings:
    """Where features come from, and what becomes of requests where they do not.

    Attributes:
        url: of the feature server, without a slash at the end; "" for no features.
        feature_service: its name.
        entities: join keys, in the names of a request.
        keep_entities: whether the model gets them.
        full_names: whether features are called `<view>__<feature>`.
        timeout_seconds: for an answer of the feature server.
        max_age_seconds: feature -> seconds.
        defaults: feature -> value; None is a missing one.
        missing: `FAIL` or `DEFAULTS`.
        stale: as `missing`.
        unreachable: as `missing`.
    """

    url: str = ""
    feature_service: str = ""
    entities: Sequence[str] = ()
    keep_entities: bool = False
    full_names: bool = False
    timeout_seconds: float = 0.5
    max_age_seconds: Mapping[str, int] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    missing: str = FAIL
    stale: str = FAIL
    unreachable: str = FAIL


def read(mapping: Any, faults: Faults, where: str = WHERE) -> FeatureSettings:
    """Return the settings that a mapping says; usable only where no fault was added."""
    values = keys.read(mapping, FEATURES, where, faults)
    check(values, where, faults)
    return FeatureSettings(
        url=values["url"].rstrip("/"),
        feature_service=values["featureService"],
        entities=tuple(values["entities"]),
        keep_entities=values["keepEntities"],
        full_names=values["fullFeatureNames"],
        timeout_seconds=values["timeoutMilliseconds"] / 1000,
        max_age_seconds=values["maxAgeSeconds"],
        defaults=values["defaults"],
        missing=values["missing"],
        stale=values["stale"],
        unreachable=values["unreachable"],
    )


def check(values: Mapping[str, Any], where: str, faults: Faults) -> None:
    """Add the faults of a mapping whose keys are all there."""
    url, milliseconds = values["url"], values["timeoutMilliseconds"]
    fits = url.startswith(("http://", "https://"))
    faults.check(fits, f"{where}.url", url, "write http://HOST:PORT of Feast's feature server")
    service = values["featureService"]
    faults.check(bool(service), f"{where}.featureService", service, "name the feature service")
    entities = values["entities"]
    fits = bool(entities) and len(set(entities)) == len(entities)
    faults.check(fits, f"{where}.entities", entities, "name the join keys, each once")
    fits = 0 < milliseconds <= MOST_MILLISECONDS
    remedy = f"use 1 to {MOST_MILLISECONDS}"
    faults.check(fits, f"{where}.timeoutMilliseconds", milliseconds, remedy)
    for name, seconds in values["maxAgeSeconds"].items():
        faults.check(seconds > 0, f"{where}.maxAgeSeconds.{name}", seconds, "use 1 or more")
    for name, value in values["defaults"].items():
        fits = not isinstance(value, dict) and name not in entities
        faults.check(fits, f"{where}.defaults.{name}", value, "write a feature's value, or null")
    for name in ("missing", "stale", "unreachable"):
        policy = values[name]
        faults.check(policy in POLICIES, f"{where}.{name}", policy, "use fail or defaults")
        fits = policy != DEFAULTS or bool(values["defaults"])
        faults.check(fits, f"{where}.{name}", policy, "write the values as defaults")


def transformer(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return `spec.transformer` for a mapping that `read` has found right."""
    settings = {
        key.name: mapping[key.name]
        for key in FEATURES
        if key.name != "image" and mapping.get(key.name, key.default) != key.default
    }
    container = {
        "name": CONTAINER,
        "image": mapping.get("image") or CONTROL_IMAGE,
        "command": COMMAND,
        "args": [OPTION, json.dumps(settings)],
    }
    return {"containers": [container]}


def of_transformer(part: Any) -> Any:
    """Return the mapping that a `spec.transformer` was made of; None for another transformer."""
    containers = part.get("containers") if isinstance(part, Mapping) else None
    container = containers[0] if isinstance(containers, list) and len(containers) == 1 else None
    if not isinstance(container, Mapping) or container.get("command") != COMMAND:
        return None
    args = container.get("args")
    if not isinstance(args, list) or OPTION not in args[:-1]:
        return None
    return parsed(str(args[args.index(OPTION) + 1]))


def parsed(text: str) -> Any:
    """Return the mapping of an argument.

    Raises:
        ParameterError: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{OPTION}: not JSON: {error}") from error

"""What the server has made of a manifest, as it stands in `status.json`. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from kanaria.components.shared.errors import shown
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.serving.inference_service.service_check import PROTOCOLS, is_percent
from kanaria.serving.local.payload_logger.log_rule import LogRule

REVISION_NAME = re.compile(r".+-[0-9]{5,}")
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One revision.

    Attributes:
        name: of the revision.
        template: fingerprint of what made it.
        storage_uri: parent folder of the model.
        protocol: "v1" or "v2".
        log: where its requests and responses are logged.
        features: where features of requests come from, as a service's `features`; {} for nowhere.
        model_format: name of KServe's model format.
        probabilities: whether a scikit-learn classifier answers predict_proba.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    name: str
    template: str
    storage_uri: str
    protocol: str
    log: LogRule = field(default_factory=LogRule)
    features: dict[str, Any] = field(default_factory=dict)
    model_format: str = Framework.TENSORFLOW.value
    probabilities: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What the server has made of a manifest.

    Attributes:
        applied: digest of the manifest that was taken over last.
        percent: its `canaryTrafficPercent`, or None.
        mirrored: percent of the requests that are copied to the newest revision.
        stopped: whether the manifest stops the service.
        fault: why what is written now was not taken over, or "".
        revisions: the newest last.
        ready: names of those that became ready once.
        stable: the rolled-out revision, or "".
        previous: the one before it, or "".
        failures: revision -> why its model does not load.
        status: KServe's status, with its field names.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    applied: str = ""
    percent: int | None = None
    mirrored: int = 0
    stopped: bool = False
    fault: str = ""
    revisions: tuple[Revision, ...] = ()
    ready: tuple[str, ...] = ()
    stable: str = ""
    previous: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)


_OBSERVED = TypeAdapter(Observed)


def parse(raw: Any) -> Observed:
    """Return what a `status.json` says, given as JSON's values.

    Raises:
        ValueError: it has fields of other kinds, or contradicts itself.
    """
    try:
        # As text once more: only there a list may stand for a tuple, and no text for a number.
        status = _OBSERVED.validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
    fault = next(_contradictions(status), "")
    if fault:
        raise ValueError(fault)
    return status


def _contradictions(status: Observed) -> Iterator[str]:
    names = [revision.name for revision in status.revisions]
    for name in (*status.ready, status.stable, status.previous):
        if name and name not in names:
            yield f"{shown(name)}: no such revision"
    if len(set(names)) < len(names):
        yield "a revision stands twice"
    for percent in (status.percent or 0, status.mirrored):
        if not is_percent(percent):
            yield f"percent {shown(percent)}: is not 0 to 100"
    yield from filter(None, map(_fault_of, status.revisions))


def _fault_of(revision: Revision) -> str:
    if not REVISION_NAME.fullmatch(revision.name):
        return f"revision {shown(revision.name)}: is not named <service>-predictor-<number>"
    if revision.protocol not in PROTOCOLS:
        return f"revision {revision.name}: protocol {shown(revision.protocol)}: unknown"
    return ""

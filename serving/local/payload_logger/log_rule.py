"""What a revision's `logger` asks for, and the events of its requests and responses. Pure.

Source: KServe 0.20, pkg/logger (one id for a request and its response, the request's content type
for both, a response only for code 200).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.inference_service.service_check import LOGGER_MODES
from kanaria.serving.protocol.payload_cloud_event import Half, Kind, Origin, written_headers


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRule:
    """What a revision's `predictor.logger` asks for.

    Attributes:
        url: of the sink, http or https; "" where nothing is logged.
        mode: "all", "request" or "response".
        headers: names of request headers that go into the events, in Go's canonical form.
        annotations: the revision's annotations that go into the events.
    """

    url: str = ""
    mode: str = "all"
    headers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    def logs(self, kind: Kind) -> bool:
        """Tell whether events of this kind are wanted."""
        return bool(self.url) and self.mode in ("all", kind.half)


@dataclass(frozen=True, kw_only=True, slots=True)
class PayloadEvent:
    """One event as it is posted: `headers` and `body` to `url`."""

    origin: Origin
    url: str
    headers: Mapping[str, str]
    body: bytes


def rule_of(manifest: Mapping[str, Any]) -> LogRule:
    """Return the rule of a manifest that `check_logger` has passed."""
    predictor = manifest["spec"]["predictor"]
    logger = predictor.get("logger") or {}
    # A pod has the annotations of both; those of its component count.
    annotations = {
        **(manifest["metadata"].get("annotations") or {}),
        **(predictor.get("annotations") or {}),
    }
    wanted = logger.get("metadataAnnotations") or []
    return LogRule(
        url=logger.get("url", ""),
        mode=logger.get("mode", "all"),
        headers=tuple(logger.get("metadataHeaders") or ()),
        annotations={name: str(annotations[name]) for name in wanted if name in annotations},
    )


def check_logger(logger: Mapping[str, Any], faults: Faults) -> None:
    """Record what is wrong with a `predictor.logger` whose fields are of the right kinds."""
    url, mode = logger.get("url"), logger.get("mode")
    fits = isinstance(url, str) and url.startswith(("http://", "https://"))
    faults.check(fits, "logger.url", url, "local serving sends events to http(s)")
    faults.check(mode in LOGGER_MODES, "logger.mode", mode, "use all, request or response")
    for name in ("metadataHeaders", "metadataAnnotations"):
        names = logger.get(name)
        fits = not isinstance(names, list) or all(isinstance(one, str) for one in names)
        faults.check(fits, f"logger.{name}", names, "write a list of names")


def canonical(header: str) -> str:
    """Return a header's name as Go writes it: `x-request-id` is `X-Request-Id`."""
    return "-".join(part.capitalize() for part in header.split("-"))


def metadata_of(
    headers: Sequence[tuple[bytes, bytes]], wanted: Sequence[str]
) -> dict[str, list[str]]:
    """Return the values of the wanted headers of a request, by canonical name."""
    metadata: dict[str, list[str]] = {}
    for key, value in headers:
        name = canonical(key.decode("latin-1"))
        if name in wanted:
            metadata.setdefault(name, []).append(value.decode("latin-1"))
    return metadata


def event_of(
    rule: LogRule,
    origin: Origin,
    half: Half,
    *,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
) -> PayloadEvent:
    """Return the event of one half of an exchange.

    Args:
        rule: of the revision that answers.
        origin: whose traffic it is.
        half: which one `body` is, and when it was.
        headers: of the request, whichever half it is; names in lower case.
        body: as the predictor got or sent it.
    """
    sent = written_headers(
        half,
        origin,
        metadata=metadata_of(headers, rule.headers),
        annotations=rule.annotations,
    )
    types = (value.decode("latin-1") for key, value in headers if key == b"content-type")
    sent["content-type"] = next(types, "application/json")
    return PayloadEvent(origin=origin, url=rule.url, headers=sent, body=body)

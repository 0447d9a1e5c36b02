"""Layout of a release: what push_model publishes and resolve_deployed finds again.

A release is one folder `<model root>/<service name>/<fingerprint>/`:

    model/<integer>/saved_model.pb ...   storageUri points at `model`; or model.joblib, model.json,
                                         <service name>/1/model.onnx (see `shared.frameworks`)
    schema/schema.pbtxt                  the schema the model was trained under
    statistics/<split>/FeatureStats.pb   the data the model was trained on
    drift_detector/detector.json ...     its features as a drift detector compares them, if any
    serving_samples/background.jsonl ... rows that explanations compare with, if any
    release.json                         lineage

Its URI names the model completely, so it serves as a cache key. Beside these lie, of no part of the
fingerprint, what is said of the release:

    release.sig                          of all above, see `model_signature`; if it is signed
    model_card.md, model_card.html       what a person should know of it, as of its newest push

Whoever loads a release opens it by `verified_release`, which looks at the signature.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat, NewerFormatError
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files

MODEL = "model"
SCHEMA = "schema"
STATISTICS = "statistics"
DRIFT_DETECTOR = "drift_detector"
SERVING_SAMPLES = "serving_samples"
LINEAGE = "release.json"
SIGNATURE = "release.sig"
CARD, CARD_PAGE = "model_card.md", "model_card.html"
CARD_DOCUMENT = "model_card.json"
"""What both are written from."""
UNSIGNED = (SIGNATURE, "model.sig", CARD, CARD_PAGE, CARD_DOCUMENT)
"""Files that are written after a release was signed, and the signature of an earlier Kanaria."""
NAME_LENGTH = 16
"""Hexadecimal digits of the fingerprint that name a release; 64 bits, enough for one service."""
FORMAT = DocumentFormat()
"""Of release.json."""
ENDPOINT, ENDPOINT_FORMAT = "endpoint.json", DocumentFormat()
"""What push_model says of where a release is served, beside the release; for rollout_model."""


def card_uri(release: str) -> str:
    """Return the URI of the model card of the release at a URI, as a page for a browser."""
    return uri_files.join(release, CARD_PAGE)


def of_model(model: str) -> str:
    """Return the URI of the release that the model at a URI is part of."""
    return model.rstrip("/").rpartition("/")[0]


def samples_beside(model_uri: str) -> str:
    """Return where the serving samples of a release lie, of which a model's URI is part."""
    return uri_files.join(model_uri.rstrip("/").rpartition("/")[0], SERVING_SAMPLES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What `release.json` says; releases of an earlier Kanaria lack the origin.

    Attributes:
        service: name of the service that it was made for.
        outcome: the blessing in one line.
        fingerprint: of the model, 64 hexadecimal digits.
        contents: part of the release -> its fingerprint.
        origin: where it comes from: run_id, pipeline, data_span, data, module, training, trigger,
            and the evaluation (see `model_evaluation`); what nobody knew is left out.
    """

    service: str
    outcome: str
    fingerprint: str
    contents: Mapping[str, str]
    origin: Mapping[str, Any] = field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        """Return it as it is stored."""
        verdict = {"service": self.service, "outcome": self.outcome}
        origin = {"origin": dict(self.origin)} if self.origin else {}
        whole = {**verdict, **origin, "fingerprint": self.fingerprint}
        return FORMAT.numbered({**whole, "contents": dict(self.contents)})


def read_record(release: str) -> Record:
    """Return what the release at a URI says of itself, whoever wrote it.

    Whoever believes it reads it by `verified_release.record`.

    Raises:
        NewerFormatError: a newer Kanaria wrote it.
        DataError: there is no record, or it is damaged.
        NotReadyError: the store does not answer.
    """
    uri = uri_files.join(release, LINEAGE)
    try:
        text = uri_files.read_text(uri)
    except DataError as error:
        raise _damaged(uri, error) from error
    return parse_record(text, uri)


def parse_record(text: str, uri: str) -> Record:
    """Return what the text of a record says; `uri` is what a message calls it.

    Raises:
        NewerFormatError: a newer Kanaria wrote it.
        DataError: it is damaged.
    """
    try:
        document = FORMAT.current(json.loads(text), uri)
        contents, origin = document["contents"], document.get("origin") or {}
        whole = isinstance(contents, dict) and isinstance(origin, dict)
        texts = [document.get(name, "") for name in ("service", "outcome", "fingerprint")]
        if not whole or not all(isinstance(text, str) for text in (*texts, *contents.values())):
            raise TypeError("a value is of another kind")
    except NewerFormatError:
        raise
    except (DataError, ValueError, TypeError, KeyError) as error:
        raise _damaged(uri, error) from error
    service, outcome, fingerprint = texts
    return Record(
        service=service,
        outcome=outcome,
        fingerprint=fingerprint,
        contents=contents,
        origin=origin,
    )


def _damaged(uri: str, error: Exception) -> DataError:
    return DataError(f"{uri}: not readable ({shown(error)}); remove the folder and push again")

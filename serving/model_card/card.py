"""What a model card tells, and its stored form. Pure.

Source of the sections: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.artifacts.judged_metrics import JudgedMetrics
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.serving.audit.entry import Entry
from kanaria.serving.card_fields import CardFields


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFacts:
    """The data a model was trained and judged on.

    Attributes:
        rows: split -> its number of rows.
        schema_fingerprint: of the schema's file, or "".
        findings: what was found of the data and tolerated, one sentence each.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    schema_fingerprint: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReference:
    """What requests are compared with, later.

    Attributes:
        kind: of the detector.
        settings: of it, as plain JSON.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A release as its model card tells of it.

    Attributes:
        uri: of the release.
        namespace: of the service that it is for.
        record: what the release says of itself.
        fields: what a person wrote of the model.
        inputs: name -> input of the model; empty where it is not known.
        matrix: name of the one tensor that a request holds all inputs in; "" for one each.
        outputs: name -> its output, likewise.
        data: what it was trained and judged on.
        metrics: its evaluation, by slice; None where only the record's metrics are known.
        verdict: the blessing in one line.
        notes: what the blessing could not judge, or did without.
        drift: what its requests are compared with; None for nothing.
        signature: how it is signed, in words; "" where it is not.
        decisions: who decided what over it, oldest first, as far as the audit trail goes.
    """

    uri: str
    namespace: str
    record: Record
    fields: CardFields = field(default_factory=CardFields)
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    matrix: str = ""
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    data: DataFacts = field(default_factory=DataFacts)
    metrics: JudgedMetrics | None = None
    verdict: str = ""
    notes: tuple[str, ...] = ()
    drift: DriftReference | None = None
    signature: str = ""
    decisions: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """The release's name: the beginning of the model's fingerprint."""
        return self.uri.rstrip("/").rpartition("/")[2]

    @property
    def title(self) -> str:
        """What the card is called."""
        return f"Model card of {self.record.service} {self.name}"

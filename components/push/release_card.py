"""The model card of a release, from what a run hands to its push."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import (
    judged_metrics,
    model_signature,
    outcome,
    release,
    serving_samples,
)
from kanaria.components.shared.artifacts.metadata import DISPLAY_NAME
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.serving.audit.trail_store import TrailStore
from kanaria.serving.card_fields import CardFields
from kanaria.serving.model_card import card_files, card_page
from kanaria.serving.model_card.card import Card, DataFacts, DriftReference

logger = logging.getLogger(__name__)
ROWS = "rows_"
"""How the rows of a split are called in the metadata of statistics, as validate_data writes it."""
UNKNOWN = "What validation found of the data is not known."
SCHEMA_FINGERPRINT = "schema_fingerprint"


@dataclass(frozen=True, kw_only=True, slots=True)
class CardSources:
    """What a card is made of beside the release; what is None or empty is not known.

    Attributes:
        evaluation: comparison of bless_model, or evaluation of evaluate_model: the metrics.
        validation: outcome of validate_data.
        statistics: metadata of the training data's statistics.
        drift: metadata of the drift detector.
        page: file for the card as a page, an artifact of the run.
    """

    evaluation: Path | None = None
    validation: Path | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)
    page: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRelease:
    """A release that was published, and what let it pass.

    Attributes:
        uri: of the release.
        namespace: of the service.
        outcomes: verdicts that it passed, the blessing first.
        samples: serving samples of the model, or None.
        has_detector: whether a drift detector is kept with the release.
        fields: what a person wrote of the model.
    """

    uri: str
    namespace: str
    outcomes: tuple[Outcome, ...]
    samples: Path | None
    has_detector: bool
    fields: CardFields


def written(pushed: PublishedRelease, sources: CardSources) -> Card:
    """Write the card of a release, which nobody has decided over in this push yet, and return it.

    Raises:
        DataError: the evaluation, an outcome or the samples are unreadable.
        NotReadyError: a store does not answer.
    """
    card = _gathered(pushed, sources)
    card_files.write(card)
    return card


def finish(card: Card, trails: TrailStore, page: Path | None) -> None:
    """Write the card once more, with what the audit trail says of the release by now, and its page.

    The release is delivered by then, so what is in the way is told and fails nothing.
    """
    try:
        card = card_files.decided(card, trails.read(card.namespace, card.record.service).entries)
        card_files.write(card)
    except KanariaError as error:
        logger.warning("%s: its model card lacks the latest decisions: %s", card.uri, error)
    if page:
        atomic.write_text(page, card_page.render(card))


def _gathered(pushed: PublishedRelease, sources: CardSources) -> Card:
    samples = serving_samples.read(pushed.samples) if pushed.samples else None
    blessing = pushed.outcomes[0]
    return Card(
        uri=pushed.uri,
        namespace=pushed.namespace,
        record=release.read_record(pushed.uri),
        fields=pushed.fields,
        inputs=samples.inputs if samples else {},
        matrix=samples.matrix if samples else "",
        outputs=samples.outputs if samples else {},
        data=_data(pushed, sources),
        metrics=judged_metrics.read(sources.evaluation) if sources.evaluation else None,
        verdict=blessing.summary(),
        notes=tuple(_unjudged(blessing, sources)),
        drift=_drift(pushed, sources),
        signature=_signature(pushed.uri),
    )


def _data(pushed: PublishedRelease, sources: CardSources) -> DataFacts:
    validation = outcome.read(sources.validation) if sources.validation else None
    judged = [*([validation] if validation else []), *pushed.outcomes[1:]]
    rows = {
        name.removeprefix(ROWS): int(count)
        for name, count in sources.statistics.items()
        if name.startswith(ROWS) and isinstance(count, int | float)
    }
    return DataFacts(
        rows=rows,
        schema_fingerprint=str(sources.statistics.get(SCHEMA_FINGERPRINT, "")),
        findings=tuple(finding for each in judged for finding in _tolerated(each))
        if judged
        else (UNKNOWN,),
    )


def _tolerated(judged: Outcome) -> Iterator[str]:
    """Yield what a step found of the data and let pass, and what it could not look at."""
    for reason in judged.reasons:
        where = f" ({reason.split})" if reason.split else ""
        yield f"{judged.step}, tolerated: {reason.subject}: {reason.text}{where}"
    yield from (f"{judged.step}: {note}" for note in judged.notes)


def _unjudged(blessing: Outcome, sources: CardSources) -> Iterator[str]:
    """Yield the notes of a blessing that the card's tables do not say already."""
    metrics = judged_metrics.read(sources.evaluation) if sources.evaluation else None
    notes_of_evaluation = (
        {*metrics.notes, *(check.text for check in metrics.checks)} if metrics else set()
    )
    yield from (note for note in blessing.notes if note not in notes_of_evaluation)


def _drift(pushed: PublishedRelease, sources: CardSources) -> DriftReference | None:
    """Return what fit_drift_detector says of its detector; None where it compares nothing."""
    facts = {name: value for name, value in sources.drift.items() if name != DISPLAY_NAME}
    if not pushed.has_detector or facts.get("features") == []:
        return None
    return DriftReference(kind=str(facts.pop("detector", "not known")), settings=facts)


def _signature(uri: str) -> str:
    place = uri_files.join(uri, release.SIGNATURE)
    if not uri_files.exists(place):
        return ""
    key = model_signature.key_of(uri_files.read_text(place))
    return f"{release.SIGNATURE}, by the key with the SHA-256 {key}" if key else release.SIGNATURE

"""A model card beside its release: as Markdown, as a page, and as what both are written from.

The last lets a later decision be added without anything of the run that pushed the release.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.artifacts import release
from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.audit.entry import Entry
from kanaria.serving.model_card import card_markdown, card_page
from kanaria.serving.model_card.card import Card

FORMAT = DocumentFormat()
_ADAPTER = TypeAdapter(Card)


def write(card: Card) -> None:
    """Write the card beside its release; what was there is replaced.

    Raises:
        NotReadyError: the store does not answer.
    """
    # Numbers that JSON lacks become null, as metrics that were not computed are.
    document = FORMAT.numbered(json.loads(_ADAPTER.dump_json(card)))
    uri_files.write_text(uri_files.join(card.uri, release.CARD), card_markdown.render(card))
    uri_files.write_text(release.card_uri(card.uri), card_page.render(card))
    uri_files.write_text(_document_uri(card.uri), json.dumps(document, indent=1, allow_nan=False))


def read(uri: str) -> Card:
    """Return the card of the release at a URI.

    Raises:
        DataError: there is none, or it is damaged.
        NewerFormatError: a newer Kanaria wrote it.
        NotReadyError: the store does not answer.
    """
    place = _document_uri(uri)
    if not uri_files.exists(place):
        raise DataError(f"{uri}: no model card: an earlier Kanaria pushed it; push it again")
    try:
        content = FORMAT.current(json.loads(uri_files.read_text(place)), place)
        return _ADAPTER.validate_json(json.dumps(content))
    except ValidationError as error:
        raise DataError(f"{place}: {first_fault(error)}; push the release again") from error
    except ValueError as error:
        raise DataError(f"{place}: no JSON ({error}); push the release again") from error


def _document_uri(uri: str) -> str:
    return uri_files.join(uri, release.CARD_DOCUMENT)


def decided(card: Card, entries: Iterable[Entry]) -> Card:
    """Return a card with the decisions of an audit trail that are about its release.

    An entry is about the model's URI, or about the revision that served it, which the entry of the
    push that ended names.
    """
    trail = tuple(entries)
    model = f"/{card.record.service}/{card.name}/{release.MODEL}"
    own = [entry for entry in trail if entry.about.endswith(model)]
    revisions = {str(entry.numbers["revision"]) for entry in own if entry.numbers.get("revision")}
    about = {entry.about for entry in own} | revisions
    return replace(card, decisions=tuple(entry for entry in trail if entry.about in about))

import pytest

from kanaria.components.shared.artifacts.document_format import (
    DocumentFormat,
    NewerFormatError,
    unchanged,
)
from kanaria.components.shared.errors import DataError


def with_unit(document):
    return {"seconds": document["minutes"] * 60}


def with_limit(document):
    return {**document, "limit": document["seconds"] * 2}


KIND = DocumentFormat((unchanged, with_unit, with_limit))


@pytest.mark.parametrize(
    "stored",
    [
        {"minutes": 2},
        {"format": 0, "minutes": 2},
        {"format": 1, "minutes": 2},
        {"format": 2, "seconds": 120},
        {"format": 3, "seconds": 120, "limit": 240},
    ],
)
def test_what_older_programs_wrote_is_migrated_in_order(stored):
    before = dict(stored)
    assert KIND.current(stored, "a.json") == {"seconds": 120, "limit": 240}
    assert stored == before


def test_what_is_written_says_its_format():
    written = KIND.numbered({"seconds": 1, "limit": 2})
    assert written == {"format": 3, "seconds": 1, "limit": 2}
    assert KIND.current(written, "a.json") == {"seconds": 1, "limit": 2}


def test_what_a_newer_program_wrote_is_refused_by_name():
    text = r"a\.json: written by a newer Kanaria: format 4, this one knows 3; upgrade"
    with pytest.raises(NewerFormatError, match=text):
        KIND.current({"format": 4, "hours": 1}, "a.json")


@pytest.mark.parametrize("number", [None, True, "1", 1.0, -1, [1]])
def test_a_format_that_is_no_number_is_named(number):
    with pytest.raises(DataError, match=r"a\.json: format="):
        KIND.current({"format": number}, "a.json")


@pytest.mark.parametrize("stored", [None, [], "text", 3])
def test_what_is_no_object_is_named(stored):
    with pytest.raises(DataError, match=r"a\.json: .*no JSON object"):
        KIND.current(stored, "a.json")

from pathlib import Path

import pytest
from store_contract import SERVICE, StoreContract, first, minute

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.control.file_store import FOLDER, FileStore
from kanaria.serving.rollout.decision.audit_record import to_line

NAMESPACE = "default"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


@pytest.fixture
def namespace() -> str:
    return NAMESPACE


class TestFileStore(StoreContract):
    pass


def test_an_entry_that_a_dead_writer_left_is_not_part_of_the_record(store, tmp_path: Path):
    store.create(first(NAMESPACE))
    stored = store.load(NAMESPACE, SERVICE)
    stored = store.save(stored.rollout, stored.version, minute(0))
    entries = tmp_path / NAMESPACE / SERVICE / FOLDER / "1.entries"
    with entries.open("a") as file:
        file.write(to_line(minute(1)))
    assert store.entries(NAMESPACE, SERVICE, 1) == (minute(0),)
    store.save(stored.rollout, stored.version, minute(2))
    assert store.entries(NAMESPACE, SERVICE, 1) == (minute(0), minute(2))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"format": 1, "number": "one"}', "number='one'"),
        ('{"number": 1}', "policy is missing"),
        ('{"number": 1, "policy": []}', "it is damaged"),
        ('{"number": 1, "pol', "Unterminated string"),
        ("[]", "no JSON object"),
        ("", "it is damaged"),
    ],
)
def test_a_damaged_rollout_is_named(store, tmp_path: Path, text: str, fault: str):
    store.create(first(NAMESPACE))
    path = tmp_path / NAMESPACE / SERVICE / FOLDER / "1.json"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"1\.json: .*{fault}"):
        store.load(NAMESPACE, SERVICE)

import json
from pathlib import Path

import pytest

from kanaria.components.push.publish import Sources, publish
from kanaria.components.shared import fingerprint, release
from kanaria.components.shared.errors import DataError

LINEAGE = {"service": "tips", "outcome": "evaluate_model passed"}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for path, text in {
        "model/1/saved_model.pb": "weights",
        "schema/schema.pbtxt": "feature {}",
        "statistics/train/FeatureStats.pb": "numbers",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    parts = {name: tmp_path / name for name in ("model", "schema", "statistics")}
    return Sources(**parts)


def test_a_release_holds_model_schema_statistics_and_lineage(sources: Sources, tmp_path: Path):
    found = publish(sources, tmp_path / "root/tips", LINEAGE)
    assert (release.model_folder(found) / "1/saved_model.pb").read_text() == "weights"
    assert release.schema_file(found).exists()
    assert (release.statistics_folder(found) / "train/FeatureStats.pb").exists()
    lineage = json.loads((found / release.LINEAGE).read_text())
    assert lineage["fingerprint"] == fingerprint.of_tree(sources.model)
    assert lineage["fingerprint"].startswith(found.name)
    assert LINEAGE.items() <= lineage.items()


def test_the_same_model_gives_the_same_release(sources: Sources, tmp_path: Path):
    first = publish(sources, tmp_path / "root/tips", LINEAGE)
    assert publish(sources, tmp_path / "root/tips", LINEAGE) == first
    assert [path.name for path in (tmp_path / "root/tips").iterdir()] == [first.name]


def test_another_model_gives_another_release(sources: Sources, tmp_path: Path):
    first = publish(sources, tmp_path / "root/tips", LINEAGE)
    (sources.model / "1/saved_model.pb").write_text("other weights")
    assert publish(sources, tmp_path / "root/tips", LINEAGE) != first


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("model/1/saved_model.pb", "model differs from what was pushed; remove the folder"),
        ("statistics/train/FeatureStats.pb", "statistics differs from what was pushed"),
        ("release.json", "not readable"),
    ],
)
def test_a_damaged_release_is_never_served(sources: Sources, tmp_path: Path, file: str, cause: str):
    found = publish(sources, tmp_path / "root/tips", LINEAGE)
    (found / file).write_text("cut")
    with pytest.raises(DataError, match=cause):
        publish(sources, tmp_path / "root/tips", LINEAGE)


def test_a_release_keeps_the_schema_it_was_published_with(sources: Sources, tmp_path: Path):
    found = publish(sources, tmp_path / "root/tips", LINEAGE)
    (sources.schema / "schema.pbtxt").write_text("edited later")
    assert publish(sources, tmp_path / "root/tips", LINEAGE) == found
    assert release.schema_file(found).read_text() == "feature {}"


def test_a_folder_without_a_model_is_an_error(sources: Sources, tmp_path: Path):
    (sources.model / "1/saved_model.pb").unlink()
    with pytest.raises(DataError, match=r"no <integer>/saved_model\.pb"):
        publish(sources, tmp_path / "root/tips", LINEAGE)

from pathlib import Path

import pytest

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import content_pin


@pytest.fixture(params=["file", "folder"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "statistics"
    if request.param == "folder":
        path.mkdir()
    write(path, "monday")
    return path


def write(place: Path, text: str) -> None:
    (place / "FeatureStats.pb" if place.is_dir() else place).write_text(text)


def test_the_text_changes_with_the_content_alone(place: Path):
    texts = []
    for text in ("monday", "tuesday", "monday"):
        write(place, text)
        texts.append(content_pin.pinned("statistics", str(place)))
    assert texts[0] == texts[2] != texts[1]
    assert content_pin.pinned("statistics", texts[0]) == texts[0]
    assert content_pin.pinned("statistics", "") == ""


def test_the_content_must_be_that_of_the_pin(place: Path):
    uri = content_pin.pinned("statistics", str(place))
    with content_pin.opened("statistics", uri) as path:
        assert path == place
    write(place, "tuesday")
    with (
        pytest.raises(DataError, match=r"^statistics='.*': the content changed since"),
        content_pin.opened("statistics", uri),
    ):
        pass


def test_nothing_there_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"statistics='.*absent': no such file or folder"):
        content_pin.pinned("statistics", str(tmp_path / "absent"))

"""Every kind of document: read as older programs wrote it, refused by name when a newer one did."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.rollout.rollout import _endpoint
from kanaria.components.shared.artifacts import outcome, release, serving_samples
from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.artifacts.serving_samples import Sample, ServingSamples, Tensor
from kanaria.components.train import checkpoint_files, model_run
from kanaria.components.train.checkpoint_files import Position
from kanaria.components.train.model_run import ModelRun
from kanaria.components.tune.search_state import SearchState
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.local.state import state_folder
from kanaria.serving.model_card import card_files
from kanaria.serving.model_card.card import Card

Kind = tuple[str, Callable[[Path], None], Callable[[Path], Any]]


NOBODYS = release.Record(service="", outcome="", fingerprint="", contents={})


def _write_release(folder: Path) -> None:
    sources = {name: folder / "made" / name for name in ("model", "schema", "statistics")}
    for path in sources.values():
        (path / "1").mkdir(parents=True)
        (path / "1/saved_model.pb").write_text("graph")
    made = Path(publish(Sources(**sources), str(folder / "releases"), NOBODYS))
    (folder / "release").symlink_to(made)


def _published_again(folder: Path) -> str:
    sources = {name: folder / "made" / name for name in ("model", "schema", "statistics")}
    return publish(Sources(**sources), str(folder / "releases"), NOBODYS)


def _write_endpoint(folder: Path) -> None:
    text = json.dumps(release.ENDPOINT_FORMAT.numbered({"name": "taxi", "percent": 10}))
    (folder / release.ENDPOINT).write_text(text)


def _write_detector(folder: Path) -> None:
    columns = {"trip_miles": np.linspace(0.0, 1.0, 50)}
    detector = KolmogorovSmirnov()
    saved_detector.save(folder / "detector", detector, detector.fit(columns))


def _write_checkpoint(folder: Path) -> None:
    position = Position(key="k", epoch=1, batches=10)
    checkpoint_files.write(folder, position, lambda path: path.write_text("weights"))


def _url_of_the_live_server(folder: Path) -> str:
    with (folder / state_folder.LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return state_folder.live_url(folder)


def _write_status(folder: Path) -> None:
    service = state_folder.Service(folder, "default", "taxi")
    service.write_observed(
        state_folder.Observed(applied="a", percent=10, status={"url": "http://taxi"})
    )


class _Tuner:
    """What a search keeps the files of."""

    def __init__(self, folder: Path) -> None:
        self.project_dir = str(folder / "kept/trials/search")

    def save(self) -> None:
        project = Path(self.project_dir)
        project.mkdir(parents=True)
        (project / "oracle.json").write_text("{}")


def _write_search(folder: Path) -> None:
    SearchState(folder / "kept", "key").write(_Tuner(folder))


def _write_card(folder: Path) -> None:
    card_files.write(Card(uri=str(folder / "release"), namespace="default", record=NOBODYS))


SAMPLES = ServingSamples(
    inputs={"x": Tensor(dtype="float32", shape=(None, 1))},
    outputs={"y": Tensor(dtype="float32", shape=None)},
    rows=(Sample(inputs={"x": 1.0}, outputs={"y": 2.0}),),
)
KINDS: dict[str, Kind] = {
    "outcome": (
        "outcome/outcome.json",
        lambda folder: outcome.write(Outcome(step="s", passed=True), folder / "outcome"),
        lambda folder: outcome.read(folder / "outcome"),
    ),
    "serving samples": (
        "samples/signature.json",
        lambda folder: serving_samples.write(SAMPLES, folder / "samples"),
        lambda folder: serving_samples.read(folder / "samples"),
    ),
    "release": ("release/release.json", _write_release, _published_again),
    "endpoint": (release.ENDPOINT, _write_endpoint, _endpoint),
    "detector": (
        "detector/detector.json",
        _write_detector,
        lambda folder: saved_detector.load(folder / "detector")[0],
    ),
    "checkpoint": (
        "epoch-000001/checkpoint.json",
        _write_checkpoint,
        lambda folder: checkpoint_files.usable(folder, "k"),
    ),
    "training": (
        model_run.NOTE,
        lambda folder: ModelRun(folder=folder, bucket="", key="k", seed=1).begin(),
        lambda folder: model_run.of(str(folder)),
    ),
    "status of a service": (
        "default/taxi/status.json",
        _write_status,
        lambda folder: state_folder.Service(folder, "default", "taxi").observed(),
    ),
    "search of hyperparameters": (
        "kept/search.json",
        _write_search,
        lambda folder: SearchState(folder / "kept", "key").begin(),
    ),
    "model card": (
        "release/model_card.json",
        _write_card,
        lambda folder: card_files.read(str(folder / "release")),
    ),
    "server": (
        state_folder.SERVER,
        lambda folder: state_folder.announce(folder, "http://127.0.0.1:1"),
        _url_of_the_live_server,
    ),
}
NEWEST = {outcome.FILE_NAME: 2}
"""File -> the format that is written, where it is not the first."""


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def _changed(path: Path, **fields: Any) -> str:
    """Write the document anew with other fields; None leaves one out."""
    document = {**json.loads(path.read_text()), **fields}
    text = json.dumps({key: value for key, value in document.items() if value is not None})
    path.write_text(text)
    return text


def test_what_is_kept_without_a_number_is_read_as_before(tmp_path: Path, kind: Kind):
    name, write, read = kind
    write(tmp_path)
    newest = json.loads((tmp_path / name).read_text())["format"]
    assert newest == NEWEST.get(Path(name).name, 1)
    expected = read(tmp_path)
    old = _changed(tmp_path / name, format=None)
    assert read(tmp_path) == expected
    assert (tmp_path / name).read_text() == old


def test_what_a_newer_program_kept_is_refused_by_name_and_left_alone(tmp_path: Path, kind: Kind):
    name, write, read = kind
    write(tmp_path)
    newest = NEWEST.get(Path(name).name, 1)
    newer = _changed(tmp_path / name, format=newest + 1, more="of it")
    text = (
        rf"{Path(name).name}: written by a newer Kanaria: format {newest + 1}, "
        rf"this one knows {newest}; upgrade"
    )
    with pytest.raises(NewerFormatError, match=text):
        read(tmp_path)
    assert (tmp_path / name).read_text() == newer

import json
from pathlib import Path

import pytest

from kanaria.components.shared.errors import UserCodeError
from kanaria.components.train import model_run, training_key


def test_without_a_place_of_its_own_the_artifact_holds_the_logs(tmp_path: Path):
    with model_run.opened("", tmp_path / "artifact", "key", 1) as run:
        (run.folder / "log").write_text("line")
    assert {path.name for path in (tmp_path / "artifact").iterdir()} == {"log", "COMPLETE"}


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_folder_keeps_the_logs_of_every_training(tmp_path: Path, prefix: str):
    for name in ("first", "second"):
        with model_run.opened(f"{prefix}{tmp_path}/run", tmp_path / name, "key", 1) as run:
            assert run.folder == tmp_path / "run"
            (run.folder / name).write_text("line")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"first", "second"}
    assert (tmp_path / "second/COMPLETE").read_text() == f"{prefix}{tmp_path}/run"


def test_a_training_that_fails_keeps_its_checkpoints_and_one_that_ends_does_not(tmp_path: Path):
    def training(fails: bool) -> None:
        with model_run.opened(str(tmp_path / "run"), tmp_path / "artifact", "key", 1) as run:
            run.checkpoints.mkdir()
            (run.checkpoints / "state").write_text("weights")
            if fails:
                raise LookupError("killed")
            assert model_run.of(str(run.folder)) == run

    with pytest.raises(LookupError):
        training(fails=True)
    assert (tmp_path / "run/checkpoints/state").exists()
    assert not (tmp_path / "artifact").exists()
    (tmp_path / "run/checkpoints/state").unlink()
    (tmp_path / "run/checkpoints").rmdir()
    training(fails=False)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_train_model_did_not_give_is_refused(tmp_path: Path):
    with pytest.raises(UserCodeError, match="pass the fn_args that run_fn was called with"):
        model_run.of(str(tmp_path))


@pytest.mark.parametrize("change", ["data", "module", "settings"])
def test_the_key_of_a_training_follows_its_content_and_not_its_paths(tmp_path: Path, change: str):
    def key(folder: str, changed: str = "") -> str:
        data, module = tmp_path / folder / "data", tmp_path / folder / "module.py"
        data.mkdir(parents=True)
        (data / "rows").write_text(f"1,2{changed == 'data'}")
        module.write_text(f"x = {changed == 'module'}")
        settings = {"seed": int(changed == "settings")}
        return training_key.training_key([data], str(module), settings)

    assert key("here") == key("there")
    assert key("changed", change) != key("again")


def test_an_importable_module_counts_by_its_source():
    first = training_key.training_key([], "kanaria.components.train.request", {})
    assert first == training_key.training_key([], "kanaria.components.train.request", {})
    assert first != training_key.training_key([], "kanaria.components.train.model_run", {})


def test_the_note_holds_nothing_but_what_a_training_needs(tmp_path: Path):
    with model_run.opened("", tmp_path / "artifact", "key", 7) as run:
        note = json.loads((run.folder / model_run.NOTE).read_text())
    assert note == {"format": 1, "bucket": "", "key": "key", "seed": 7}

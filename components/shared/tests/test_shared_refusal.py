"""A step that refuses leaves its outcome and its page where KFP would have put them."""

import logging
from dataclasses import dataclass
from pathlib import Path

import object_stores
import pytest

from kanaria.components.shared.artifacts import outcome, refusal
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.errors import DataError

REASON = Reason(severity="ERROR", subject="canary", kind="rolled_back", text="errors: 9 of 90")


@dataclass
class Artifact:
    uri: str
    path: str


def written(folder: Path, root: str, passed: bool) -> tuple[Artifact, Artifact]:
    """Write an outcome and a page as a step does; they are to lie below `root`."""
    verdict = Outcome(step="rollout_model", passed=passed, reasons=(REASON,))
    outcome.write(verdict, folder / "outcome")
    (folder / "timeline").write_text("<p>timeline</p>")
    made = [Artifact(uri=f"{root}/{n}", path=str(folder / n)) for n in ("outcome", "timeline")]
    return made[0], made[1]


def test_what_passed_is_left_to_kfp(tmp_path: Path):
    with object_stores.s3() as bucket:
        refusal.unless_passed(*written(tmp_path, f"{bucket.uri}/run", passed=True))
        assert bucket.keys() == []


def test_what_did_not_pass_is_kept_in_the_store_and_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        with pytest.raises(DataError, match="rollout_model did not pass: errors: 9 of 90"):
            refusal.unless_passed(*written(tmp_path, f"{bucket.uri}/run", passed=False))
        assert sorted(bucket.keys()) == ["run/outcome/outcome.json", "run/timeline"]


def test_an_output_that_was_not_written_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        made = written(tmp_path, f"{bucket.uri}/run", passed=False)
        (tmp_path / "timeline").unlink()
        with pytest.raises(DataError, match="9 of 90"):
            refusal.unless_passed(*made)
        assert bucket.keys() == ["run/outcome/outcome.json"]


def test_a_store_that_refuses_does_not_hide_the_reasons(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    made = written(tmp_path, "s3:///no-bucket", passed=False)
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match="9 of 90"):
        refusal.unless_passed(*made)
    assert "s3:///no-bucket/outcome is not kept" in caplog.text


def test_on_one_machine_the_outputs_lie_there_already(tmp_path: Path):
    made = written(tmp_path, str(tmp_path), passed=False)
    with pytest.raises(DataError, match="9 of 90"):
        refusal.unless_passed(*made)
    assert {path.name for path in tmp_path.iterdir()} == {"outcome", "timeline"}

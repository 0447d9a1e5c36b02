"""The step writes the same files, whichever engine its parameter names."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.data.examples import split_folder
from kanaria.components.shared.errors import ParameterError
from kanaria.components.validate.validate import Targets, ValidateRequest, run


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for split in ("train", "eval"):
        folder = split_folder(tmp_path / "examples", split)
        folder.mkdir(parents=True)
        for part in range(3):
            rows = {
                "fare": [0.1 * part, None, float("nan"), -2.0],
                "company": ["카나리아", "", None, f"c {part}"],
            }
            pq.write_table(pa.table(rows), folder / f"part-{part:05d}-of-00003.parquet")
    return tmp_path / "examples"


def written(request: ValidateRequest, folder: Path) -> dict[str, bytes]:
    names = ("statistics", "schema", "anomalies", "outcome", "report")
    run(request, Targets(**{name: folder / name for name in names}))
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.pb*")}


@pytest.mark.parametrize("compute", [{"workers": 2, "engine": "local"}, {"engine": "beam"}])
def test_the_files_are_those_of_one_process(examples: Path, tmp_path: Path, compute):
    beam = compute["engine"] == "beam"
    request = ValidateRequest(examples=examples)
    expected = written(request, tmp_path / "one")
    files = written(dataclasses.replace(request, compute=compute), tmp_path / "other")
    assert "statistics/train/FeatureStats.pb" in expected
    assert "schema/schema.pbtxt" in expected
    assert sorted(files) == sorted(expected)
    differing = {name for name in expected if files[name] != expected[name]}
    # Beam writes the features in an order of its own.
    assert differing <= ({name for name in expected if "FeatureStats" in name} if beam else set())


def test_what_is_wrong_with_the_engine_is_told_before_any_work(examples: Path, tmp_path: Path):
    compute = {"engine": "beam", "beam_pipeline_args": ["--runer=DirectRunner", "--streeming"]}
    with pytest.raises(ParameterError, match=r"--runer .*--runner\?.*--streeming .*--streaming\?"):
        written(ValidateRequest(examples=examples, compute=compute), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--no_such_flag=1"], "--no_such_flag is no flag of Beam's, which would drop it"),
        (["--runner=NoSuchRunner"], "--runner='NoSuchRunner': Unexpected pipeline runner"),
        (["--streaming=maybe"], "Beam cannot read a flag's value"),
        (["--runner=DirectRunner", "--environment_type=PROCESS"], "process_command is required"),
    ],
)
def test_beams_own_faults_are_told_too(examples: Path, tmp_path: Path, arguments, fault):
    compute = {"engine": "beam", "beam_pipeline_args": arguments}
    with pytest.raises(ParameterError) as raised:
        written(ValidateRequest(examples=examples, compute=compute), tmp_path / "out")
    assert fault in str(raised.value)

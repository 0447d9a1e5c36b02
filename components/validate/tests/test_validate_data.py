"""The step on real files: it judges, keeps its baselines straight, and leaves nothing half done."""

from pathlib import Path

import object_stores
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv

from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import content_pin, uri_files
from kanaria.components.validate import baselines
from kanaria.components.validate.validate import ValidateRequest, validate

FARES = [3.0 + i % 17 for i in range(80)]
PAYMENTS = ["cash", "card"] * 40
TAXI = {
    "fare": FARES,
    "payment": PAYMENTS,
    "tract": [None if i % 3 else i for i in range(80)],
}
SCHEMA = """
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "fare" type: FLOAT
  drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }
  skew_comparator { jensen_shannon_divergence { threshold: 0.1 } } }
feature { name: "payment" type: BYTES domain: "payments" not_in_environment: "SERVING" }
feature { name: "tract" type: INT }
string_domain { name: "payments" value: "cash" value: "card" }
"""


@pytest.fixture
def schema_file(tmp_path: Path) -> str:
    file = tmp_path / "given.pbtxt"
    file.write_text(SCHEMA)
    return str(file)


@pytest.fixture
def release(tmp_path: Path, examples_of, targets_in, schema_file: str) -> str:
    """A deployed release with the statistics of TAXI."""
    targets = targets_in("first")
    folder = examples_of("first_examples", train=TAXI, eval=TAXI)
    validate(ValidateRequest(examples=folder, schema_file=schema_file), targets)
    (tmp_path / "release").mkdir()
    targets.statistics.rename(tmp_path / "release" / "statistics")
    return str(tmp_path / "release")


def test_a_feature_without_values_in_eval_stays_and_is_noted(examples_of, targets_in):
    targets = targets_in()
    empty = TAXI | {"fare": pa.array([None] * 80, pa.float64())}
    result = validate(ValidateRequest(examples=examples_of(train=TAXI, eval=empty)), targets)
    assert result.outcome.passed
    assert "feature 'fare' has no value in split eval" in outcome.read(targets.outcome).notes[0]


def test_good_data_passes_with_a_schema_of_its_own(examples_of, targets_in):
    targets = targets_in()
    result = validate(ValidateRequest(examples=examples_of(train=TAXI, eval=TAXI)), targets)
    assert result.outcome.passed
    assert outcome.read(targets.outcome).passed
    facts = result.metadata["statistics"]
    assert facts["rows_train"] == facts["rows_eval"] == 80
    identity = str(facts["schema_fingerprint"])
    assert len(identity) == 64
    assert result.metadata["schema"]["display_name"] == f"schema: {identity[:16]}"
    written_schema = tfdv.load_schema_text(str(targets.schema / "schema.pbtxt"))
    kinds = {feature.name: feature.type for feature in written_schema.feature}
    assert kinds == {"fare": 3, "payment": 1, "tract": 2}


def test_the_files_are_those_of_tfdv(examples_of, targets_in):
    targets = targets_in()
    validate(ValidateRequest(examples=examples_of(train=TAXI, eval=TAXI)), targets)
    for split in ("train", "eval"):
        statistics = tfdv.load_stats_binary(str(targets.statistics / split / "FeatureStats.pb"))
        assert statistics.datasets[0].num_examples == 80
        assert (targets.anomalies / split / "SchemaDiff.pb").stat().st_size > 0


def test_the_same_input_gives_the_same_bytes(examples_of, targets_in):
    folder, runs = examples_of(train=TAXI), [targets_in("one"), targets_in("two")]
    for targets in runs:
        validate(ValidateRequest(examples=folder), targets)
    for path in ("statistics/train/FeatureStats.pb", "schema/schema.pbtxt", "report.html"):
        one, two = ((targets.report.parent / path).read_bytes() for targets in runs)
        assert one == two, path


def test_an_anomaly_gives_a_negative_verdict_with_every_reason(
    examples_of, targets_in, schema_file
):
    bad = TAXI | {"payment": ["shells", "card"] * 40, "fare": ["much"] * 80}
    folder, targets = examples_of(train=TAXI, eval=bad), targets_in()
    request = ValidateRequest(examples=folder, schema_file=schema_file)
    assert not validate(request, targets).outcome.passed
    verdict = outcome.read(targets.outcome)
    assert [(r.severity, r.subject, r.kind, r.split) for r in verdict.reasons] == [
        ("ERROR", "fare", "UNEXPECTED_DATA_TYPE", "eval"),
        ("ERROR", "payment", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", "eval"),
    ]
    assert "shells" in verdict.reasons[1].text
    assert "shells" in targets.report.read_text()


def test_an_environment_excuses_a_feature(examples_of, targets_in, schema_file):
    folder = examples_of(train={k: v for k, v in TAXI.items() if k != "payment"})
    request = {"examples": folder, "schema_file": schema_file}
    required = SCHEMA.replace("type: BYTES", "type: BYTES presence { min_count: 1 }")
    Path(schema_file).write_text(required)
    assert not validate(ValidateRequest(**request), targets_in("none")).outcome.passed
    serving = ValidateRequest(**request, environment="SERVING")
    assert validate(serving, targets_in("serving")).outcome.passed


def test_a_first_run_skips_the_comparators_and_says_so(examples_of, targets_in, schema_file):
    targets = targets_in()
    request = ValidateRequest(examples=examples_of(train=TAXI), schema_file=schema_file)
    assert validate(request, targets).outcome.passed
    assert outcome.read(targets.outcome).notes == (
        "1 skew comparators were skipped: no serving statistics were given",
    )
    assert list(outcome.read(targets.outcome).thresholds) == [
        "skew jensen_shannon_divergence of fare"
    ]


def test_a_schema_and_a_baseline_in_a_bucket_judge_as_local_ones_do(
    examples_of, targets_in, schema_file, release, monkeypatch: pytest.MonkeyPatch
):
    folder = examples_of(train=TAXI | {"fare": [3 * fare for fare in FARES]})
    local, remote = targets_in("local"), targets_in("remote")
    files = {"schema_file": schema_file, "serving_statistics": f"{release}/statistics/eval"}
    validate(ValidateRequest(examples=folder, **files), local)
    with object_stores.gcs() as bucket:
        bucket.use(monkeypatch)
        uri_files.publish(Path(schema_file), f"{bucket.uri}/schema.pbtxt")
        name = "statistics/eval/FeatureStats.pb"
        uri_files.publish(Path(release) / name, f"{bucket.uri}/release/{name}")
        files = {"schema_file": f"{bucket.uri}/schema.pbtxt"}
        statistics = f"{bucket.uri}/release/statistics/eval"
        files["serving_statistics"] = content_pin.pinned("serving_statistics", statistics)
        validate(ValidateRequest(examples=folder, **files), remote)
    assert outcome.read(remote.outcome) == outcome.read(local.outcome)
    assert len(outcome.read(remote.outcome).reasons) == 1


@pytest.mark.parametrize("path", ["statistics/eval", "statistics/eval/FeatureStats.pb"])
def test_skew_from_serving_acts(examples_of, targets_in, schema_file, release, path: str):
    folder = examples_of(train=TAXI | {"fare": [3 * fare for fare in FARES]})
    targets = targets_in()
    request = ValidateRequest(
        examples=folder, schema_file=schema_file, serving_statistics=f"file://{release}/{path}"
    )
    assert not validate(request, targets).outcome.passed
    [reason] = outcome.read(targets.outcome).reasons
    assert reason.kind == "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"


def test_serving_statistics_that_changed_since_they_were_pinned_are_refused(release):
    uri = content_pin.pinned("serving_statistics", f"{release}/statistics/eval")
    assert baselines.serving(uri) == baselines.serving(f"{release}/statistics/eval")
    (Path(release) / "statistics/eval/FeatureStats.pb").write_bytes(b"")
    with pytest.raises(DataError, match=r"serving_statistics='.*eval': the content changed since"):
        baselines.serving(uri)


def test_a_number_that_the_schema_calls_categorical_is_counted(
    examples_of, targets_in, schema_file
):
    Path(schema_file).write_text(SCHEMA.replace("INT }", "INT int_domain{is_categorical:true} }"))
    targets = targets_in()
    validate(ValidateRequest(examples=examples_of(train=TAXI), schema_file=schema_file), targets)
    statistics = tfdv.load_stats_binary(str(targets.statistics / "train" / "FeatureStats.pb"))
    [tract] = [f for f in statistics.datasets[0].features if f.path.step[0] == "tract"]
    assert tract.string_stats.unique == 27


def test_a_comparison_with_another_version_is_never_made_silently(
    examples_of, targets_in, schema_file
):
    constraint = "num_examples_version_comparator { min_fraction_threshold: 0.9 }"
    Path(schema_file).write_text(f"{SCHEMA} dataset_constraints {{ {constraint} }}")
    targets = targets_in()
    request = ValidateRequest(examples=examples_of(train=TAXI), schema_file=schema_file)
    assert not validate(request, targets).outcome.passed
    assert "num_examples_drift_comparator" in outcome.read(targets.outcome).reasons[0].text


def test_a_column_without_values_is_judged_like_any_other(examples_of, targets_in):
    folder = examples_of(train=TAXI | {"gone": pa.nulls(80)}, eval=TAXI | {"gone": ["x"] * 80})
    targets = targets_in()
    validate(ValidateRequest(examples=folder), targets)
    assert "gone" in targets.report.read_text()
    assert 'name: "gone"' in (targets.schema / "schema.pbtxt").read_text()


def test_a_dot_in_a_name_stays_part_of_it(examples_of, targets_in, schema_file):
    folder, targets = examples_of(train=TAXI | {"a.b": [1] * 80}), targets_in()
    validate(ValidateRequest(examples=folder, schema_file=schema_file), targets)
    assert outcome.read(targets.outcome).reasons[0].subject == "a.b"


def assert_nothing_written(targets) -> None:
    assert not targets.report.parent.exists() or not list(targets.report.parent.iterdir())


def test_all_faults_of_the_parameters_come_at_once(examples_of, targets_in):
    targets = targets_in()
    request = ValidateRequest(
        examples=examples_of(train=TAXI),
        environment="SERVING",
        serving_statistics="hdfs://host/stats",
    )
    with pytest.raises(ParameterError, match=r"serving_statistics.*hdfs.*environment"):
        validate(request, targets)
    assert_nothing_written(targets)


@pytest.mark.parametrize("content", [None, b"", b"no statistics", b"\x0a\x00"])
def test_a_baseline_that_is_no_statistics_fails_before_any_work(
    tmp_path: Path, examples_of, targets_in, content: bytes | None
):
    file = tmp_path / "FeatureStats.pb"
    if content is not None:
        file.write_bytes(content)
    targets = targets_in()
    request = ValidateRequest(examples=examples_of(train=TAXI), serving_statistics=str(file))
    with pytest.raises(DataError, match=r"serving_statistics=.*give a"):
        validate(request, targets)
    assert_nothing_written(targets)


def test_examples_without_a_split_are_an_error(tmp_path: Path, targets_in):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no split=<name> folder"):
        validate(ValidateRequest(examples=tmp_path / "empty"), targets_in())


def test_a_split_without_files_is_an_error(examples_of, targets_in):
    folder = examples_of(train=TAXI)
    (folder / "split=eval").mkdir()
    with pytest.raises(DataError, match="no split 'eval'"):
        validate(ValidateRequest(examples=folder), targets_in())


def test_a_split_without_rows_is_an_error(examples_of, targets_in):
    folder = examples_of(train=TAXI, eval={"fare": pa.array([], pa.float64())})
    with pytest.raises(DataError, match="split 'eval' has no rows"):
        validate(ValidateRequest(examples=folder), targets_in())

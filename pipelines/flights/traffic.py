"""Sends real rows to the endpoint, tells a day later what was right, and sums up the answers."""

import asyncio
import csv
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from kanaria.components.shared.errors import NotReadyError, shown
from kanaria.pipelines.flights import prepare
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, REVISION_HEADER

CLIENTS = 4
TIMEOUT = aiohttp.ClientTimeout(total=30.0)
TEXTS = ("carrier", "origin", "dest")
INTEGERS = ("month", "weekday", "hour", "sched_dep_minutes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flight:
    """One row to send, and what happened: 1 if the flight arrived late, else 0.

    Attributes:
        request_id: X-Request-Id by which its label meets its prediction.
    """

    features: dict[str, Any]
    late: int
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer: who gave it, HTTP code, seconds, and the predicted probability or None."""

    revision: str
    code: int
    seconds: float
    probability: float | None
    late: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What one revision did.

    Attributes:
        revision: its name.
        requests: how many it was sent.
        share: its share of all requests, 0 to 1.
        errors: answers other than 200.
        p50_ms: median time to the answer, milliseconds.
        p99_ms: 99th percentile of it, milliseconds.
        accuracy: share of flights judged right at 0.5, 0 to 1.
        auc: area under the ROC curve over its answers, 0 to 1, NaN with one class only.
    """

    revision: str
    requests: int
    share: float
    errors: int
    p50_ms: float
    p99_ms: float
    accuracy: float
    auc: float


def flights(files: Iterable[Path], wanted: int) -> list[Flight]:
    """Return `wanted` flights spread evenly over the files; a value that is missing is null."""
    rows = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as text:
            rows += list(csv.DictReader(text))
    step = max(len(rows) // wanted, 1)
    return [_flight(row, f"flight-{n}") for n, row in enumerate(rows[::step][:wanted])]


def by_day(rows: Iterable[Flight]) -> list[list[Flight]]:
    """Return flights in the order of time, day by day: a day ends where the weekday changes."""
    days = groupby(rows, key=lambda flight: flight.features["weekday"])
    return [list(day) for _, day in days]


def _flight(row: dict[str, str], request_id: str) -> Flight:
    features = {name: _value(name, row[name]) for name in prepare.COLUMNS[:-1]}
    return Flight(features=features, late=int(row["late"]), request_id=request_id)


def _value(name: str, text: str) -> str | int | float | None:
    if not text:
        return None
    return text if name in TEXTS else int(text) if name in INTEGERS else float(text)


async def _ask(client: aiohttp.ClientSession, url: str, flight: Flight) -> Answer:
    started = time.perf_counter()
    body, headers = (
        json.dumps({"instances": [flight.features]}),
        {REQUEST_ID_HEADER: flight.request_id},
    )
    async with client.post(url, data=body, headers=headers) as response:
        answer = await response.read()
    seconds = time.perf_counter() - started
    is_answered = response.status == HTTPStatus.OK
    return Answer(
        revision=response.headers.get(REVISION_HEADER, "(none)"),
        code=response.status,
        seconds=seconds,
        probability=json.loads(answer)["predictions"][0][0] if is_answered else None,
        late=flight.late,
    )


def send(url: str, days: Iterable[Sequence[Flight]], labels_url: str) -> list[Answer]:
    """Send each flight once, day by day, by a few clients at a time.

    Whether a flight was late is told a day later: after the requests of the next day. The last
    day's labels have not come when the traffic ends.

    Args:
        url: of the endpoint.
        days: flights of one day each, in order.
        labels_url: where the drift server takes labels.

    Raises:
        NotReadyError: the drift server does not take them.
    """
    return asyncio.run(_sent(url, days, labels_url))


async def _sent(url: str, days: Iterable[Sequence[Flight]], labels_url: str) -> list[Answer]:
    answers: list[Answer] = []
    yesterday: Sequence[Flight] = ()
    free = asyncio.Semaphore(CLIENTS)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client:

        async def ask(flight: Flight) -> Answer:
            async with free:
                return await _ask(client, url, flight)

        for day in days:
            answers += await asyncio.gather(*map(ask, day))
            if yesterday:
                await _tell(client, labels_url, yesterday)
            yesterday = day
    return answers


async def _tell(client: aiohttp.ClientSession, url: str, flights: Sequence[Flight]) -> None:
    labels = [{"request_id": flight.request_id, "label": flight.late} for flight in flights]
    async with client.post(url, json=labels) as response:
        if response.status != HTTPStatus.OK:
            answer = shown(await response.text())
            raise NotReadyError(f"{url}: labels are not taken: {answer}")


def auc(labels: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> float:
    """Return the area under the ROC curve, from the Mann-Whitney rank sum; ties count a half."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]  # Scipy would take half a second to import.
    return float(
        (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def summarize(answers: Sequence[Answer]) -> list[Summary]:
    """Return one summary a revision, by name."""
    by_revision = defaultdict(list)
    for answer in answers:
        by_revision[answer.revision].append(answer)
    return [_summary(name, by_revision[name], len(answers)) for name in sorted(by_revision)]


def _summary(revision: str, answers: Sequence[Answer], total: int) -> Summary:
    good = [a for a in answers if a.probability is not None]
    labels = np.array([a.late for a in good], int)
    scores = np.array([a.probability for a in good], float)
    milliseconds = [1000 * a.seconds for a in answers]
    return Summary(
        revision=revision,
        requests=len(answers),
        share=len(answers) / total,
        errors=len(answers) - len(good),
        p50_ms=float(np.percentile(milliseconds, 50)),
        p99_ms=float(np.percentile(milliseconds, 99)),
        accuracy=float(np.mean((scores > 0.5) == labels)) if good else float("nan"),
        auc=auc(labels, scores),
    )

"""What the drift server answers of verdicts, read from the store for each request."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Collection, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift import report_records
from kanaria.serving.drift.report import report_page
from kanaria.serving.drift_watch import stored_verdicts, verdict_gauges
from kanaria.serving.drift_watch.stored_verdicts import Newest
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.payload_log.store_reader import NEVER, Reader


def routes(location: str) -> list[Route]:
    """Return the routes over the store at `location`."""

    async def drift(_: Request) -> Response:
        text = await asyncio.to_thread(newest_json, location)
        return Response(text, media_type="application/json")

    async def report(request: Request) -> Response:
        wanted = read_wanted(request.query_params)
        return HTMLResponse(await asyncio.to_thread(_page, location, wanted))

    async def labelled(request: Request) -> Response:
        text = await asyncio.to_thread(labelled_json, location, request.query_params)
        return Response(text, media_type="application/json")

    return [Route("/drift", drift), Route("/report", report), Route("/labelled", labelled)]


def read_wanted(parameters: Mapping[str, str]) -> tuple[Stream, float] | None:
    """Return of which version a report is wanted, and until when; None for all of late.

    Args:
        parameters: of the URL: none, or namespace, service, version and end (RFC 3339).

    Raises:
        ParameterError: some are missing or wrong; all are named.
    """
    if not parameters:
        return None
    faults = Faults("report")
    for name in ("namespace", "service"):
        faults.check(bool(parameters.get(name)), name, parameters.get(name), "name it")
    end = parameters.get("end", "")
    try:
        until = datetime.fromisoformat(end).timestamp() if end else NEVER
    except ValueError:
        until = NEVER
        faults.check(False, "end", end, "write a time as 2026-01-31T06:00:00Z")
    faults.raise_if_any()
    names = (parameters.get(name, "") for name in ("namespace", "service", "version"))
    namespace, service, version = names
    return Stream(namespace=namespace, service=service, version=version), until


def labelled_json(location: str, parameters: Mapping[str, str]) -> str:
    """Return how many rows of a service got a label since a moment, as JSON: {"rows": 12}.

    Args:
        location: of the store.
        parameters: of the URL: namespace, service, and since, in seconds since 1970.

    Raises:
        ParameterError: some are missing or wrong; all are named.
    """
    faults = Faults("labelled")
    for name in ("namespace", "service"):
        faults.check(bool(parameters.get(name)), name, parameters.get(name), "name it")
    since = math.nan
    with contextlib.suppress(ValueError):
        since = float(parameters.get("since", "0"))
    text = parameters.get("since")
    faults.check(math.isfinite(since), "since", text, "write seconds since 1970")
    faults.raise_if_any()
    with contextlib.closing(open_reader(location)) as reader:
        rows = reader.labelled(parameters["namespace"], parameters["service"], since)
    return json.dumps({"rows": rows})


def newest_json(location: str) -> str:
    """Return each watch's newest verdicts as a JSON list.

    Each entry has namespace, service, version and detector, and `window` and `labels` as
    `kanaria.serving.drift.report_records` describes them, or null.
    """
    with contextlib.closing(open_reader(location)) as reader:
        verdicts = stored_verdicts.newest(reader)
    return json.dumps(
        [
            {
                "namespace": one.stream.namespace,
                "service": one.stream.service,
                "version": one.stream.version,
                "detector": one.name,
                "window": one.window and json.loads(report_records.dump_window(one.window)),
                "labels": one.labels and json.loads(report_records.dump_labels(one.labels)),
            }
            for one in verdicts
        ]
    )


def _page(location: str, wanted: tuple[Stream, float] | None) -> str:
    now = time.time()
    with contextlib.closing(open_reader(location)) as reader:
        if wanted is None:
            return report_page.render(stored_verdicts.report(reader, now))
        return report_page.render(stored_verdicts.report_of(reader, *wanted, now))


def scraped(reader: Reader, watches: Collection[State] | None) -> bytes:
    """Return the newest verdicts in Prometheus' text format.

    Args:
        reader: of the store.
        watches: whose verdicts are shown: one that nobody tests for any more would show its last
            verdict for ever. None shows all, where it is not known what is watched.
    """
    verdicts = stored_verdicts.newest(reader)
    if watches is not None:
        names = {(one.namespace, one.service, one.name) for one in watches}
        verdicts = [one for one in verdicts if _watch_of(one) in names]
    return verdict_gauges.text(verdicts)


def _watch_of(one: Newest) -> tuple[str, str, str]:
    return one.stream.namespace, one.stream.service, one.name

"""What the drift server answers of verdicts, read from the store for each request."""

import asyncio
import contextlib
import json
import time
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from kanaria.serving.drift import report_records
from kanaria.serving.drift.report import report_page
from kanaria.serving.drift_watch import stored_verdicts, verdict_gauges
from kanaria.serving.drift_watch.stored_verdicts import Newest
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.payload_log.store_reader import Reader


def routes(location: str) -> list[Route]:
    """Return the routes over the store at `location`."""

    async def drift(_: Request) -> Response:
        text = await asyncio.to_thread(newest_json, location)
        return Response(text, media_type="application/json")

    async def report(_: Request) -> Response:
        return HTMLResponse(await asyncio.to_thread(_page, location))

    return [Route("/drift", drift), Route("/report", report)]


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


def _page(location: str) -> str:
    with contextlib.closing(open_reader(location)) as reader:
        return report_page.render(stored_verdicts.report(reader, time.time()))


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

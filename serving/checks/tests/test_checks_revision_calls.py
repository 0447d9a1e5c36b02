"""The client of a revision against small real servers."""

import asyncio
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import pytest

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.checks.check_limits import Load
from kanaria.serving.checks.load_verdict import Call
from kanaria.serving.checks.revision_calls import RevisionCalls


class Server:
    """Answers the statuses in turn, the last one for ever; counts the requests."""

    def __init__(self) -> None:
        self.statuses, self.requests, self.url, self._lock = [200], 0, "", Lock()

    def status(self) -> int:
        with self._lock:
            self.requests += 1
            return self.statuses[min(self.requests, len(self.statuses)) - 1]


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.status())
            self.end_headers()
            self.wfile.write(b'{"a": 1}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """The tests say what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{listening.server_port}"
        yield state
        listening.shutdown()


def answer_of(url: str, ask: Callable[[RevisionCalls], object]) -> object:
    async def run() -> object:
        async with RevisionCalls(url) as calls:
            return await ask(calls)  # type: ignore[misc]

    return asyncio.run(run())


def test_a_route_that_is_being_made_is_waited_for(server: Server):
    server.statuses = [503, 502, 404]
    answer_of(server.url, lambda calls: calls.reach(60))
    assert server.requests == 3


def test_a_revision_that_is_sick_is_left_to_the_checks(server: Server):
    server.statuses = [503]
    answer_of(server.url, lambda calls: calls.reach(0))
    assert server.requests == 1


def test_a_url_where_nobody_answers_names_the_remedy():
    with pytest.raises(NotReadyError, match="run push_model where the service runs"):
        answer_of("http://127.0.0.1:9", lambda calls: calls.reach(0))


@pytest.mark.parametrize("idle", [True, False])
def test_every_request_of_a_load_is_sent_and_told_but_the_first(server: Server, idle: bool):
    server.statuses = [503, 200, 500, 200]
    load = Load(rate=200, requests=7, error_share=0.2)
    timed_calls, seconds = answer_of(  # type: ignore[misc]
        server.url, lambda calls: calls.load("/p", [b"1", b"2"], load, idle=idle)
    )
    assert server.requests - 1 == len(timed_calls) == 7
    assert sorted(call.fault for call in timed_calls)[-2:] == ["", '500 {"a": 1}']
    assert all(isinstance(call, Call) and call.seconds > 0 for call in timed_calls)
    assert not idle or seconds >= 6 / 200


def test_metadata_that_is_missing_or_no_object_is_none(server: Server):
    assert answer_of(server.url, lambda calls: calls.metadata("/m")) == {"a": 1}
    server.statuses = [404]
    assert answer_of(server.url, lambda calls: calls.metadata("/m")) is None

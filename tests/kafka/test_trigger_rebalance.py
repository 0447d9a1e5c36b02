"""Partitions that move between trigger servers: nothing is lost, held up or started twice."""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pgserver
import pytest
import trigger_toy
from kafka_topics import PATIENCE, Topics, until
from kfp import compiler
from kfp_contract import Contract, serving
from kfp_state import Frame
from trigger_process import STEPS, TriggerProcess, running

from kanaria.serving.triggers import trigger_file
from kanaria.serving.triggers.intake import Intake
from kanaria.serving.triggers.kafka_source import MOST_WAITING, KafkaSource
from kanaria.serving.triggers.trigger_metrics import TriggerMetrics
from kanaria.serving.triggers.trigger_records import Triggered
from kanaria.serving.triggers.trigger_states import TriggerState
from kanaria.serving.triggers.trigger_store import TriggerStore, open_store

STRATEGIES = ("range,roundrobin", "cooperative-sticky")
SETTINGS = "session.timeout.ms: '6000', partition.assignment.strategy: '{}'"
NAMES = ("one", "two", "three", "four")
EACH = 6
"""Messages of each topic in each of two rounds."""


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Make an empty database and return its location."""
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    (folder,) = parse_qs(urlsplit(server.get_uri()).query)["host"]
    names = iter(f"triggers_{number}" for number in range(100))

    def make() -> str:
        name = next(names)
        server.psql(f"CREATE DATABASE {name};")
        return f"postgresql://postgres@/{name}?host={folder}"

    yield make
    server.cleanup()


@pytest.fixture
def contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with serving() as contract:
        contract.state.frames = (Frame("SUCCEEDED"),)
        yield contract


def written(folder: Path, topics: Topics, strategy: str, triggers: str, runs: str = "{}") -> Path:
    """Write a file of triggers with a group of its own."""
    path = folder / "triggers.yaml"
    path.write_text(
        f"runs: {runs}\n"
        f"kafka: {{bootstrap_servers: '{topics.address}', group: group-{folder.name},\n"
        f"  settings: {{{SETTINGS.format(strategy)}}}}}\n"
        f"triggers:\n{triggers}"
    )
    return path


class Four:
    """Four topics of two partitions, each with a trigger and a pipeline of its own."""

    def __init__(self, folder: Path, topics: Topics, strategy: str, host: str) -> None:
        self._topics, self._names = topics, {name: topics.new(partitions=2) for name in NAMES}
        self._group = f"group-{folder.name}"
        for name in NAMES:
            path = folder / f"{name}.yaml"
            compiler.Compiler().compile(trigger_toy.announcing, str(path), pipeline_name=name)
        triggers = "".join(
            f"  - {{name: {name}, when: [{{topic: {topic}}}], cool_down: 0s, runs_a_day: 0,\n"
            f"     start: {{pipeline: {name}.yaml}}}}\n"
            for name, topic in self._names.items()
        )
        runs = f"{{where: kfp, host: '{host}'}}"
        self.config = written(folder, topics, strategy, triggers, runs)

    def send(self) -> None:
        """Send a round of messages to all partitions."""
        for topic in self._names.values():
            for partition in (0, 1):
                self._topics.send(topic, [b"{}"] * (EACH // 2), partition=partition)

    def committed(self, count: int) -> None:
        """Wait until so many messages are committed."""
        topics = self._names.values()
        until(
            lambda: (
                count
                == sum(
                    max(offset, 0)
                    for topic in topics
                    for offset in self._topics.committed(self._group, topic).values()
                )
            )
        )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_servers_that_come_are_killed_and_end_lose_nothing_and_start_nothing_twice(
    tmp_path: Path,
    topics: Topics,
    contract: Contract,
    location: Callable[[], str],
    strategy: str,
):
    world, store = Four(tmp_path, topics, strategy, contract.url), location()
    # The first one leads, and kills itself when it has started a run and nothing is recorded.
    with running(world.config, store, STEPS[5]) as first:
        takes_part(first)
        with running(world.config, store) as second:
            takes_part(second)
            world.send()
            assert first.process.wait(PATIENCE) == -signal.SIGKILL
            with running(world.config, store) as third:
                takes_part(third)
                world.send()
                ended(second)
                rows = third.settled(len(NAMES) * EACH * 2)
                world.committed(len(rows))
    places = [row["key"] for row in rows]
    assert len(set(places)) == len(rows) == len(NAMES) * EACH * 2
    started = {row["run_name"] for row in rows if row["run_id"]}
    assert {row["reason"] for row in rows if not row["run_id"]} <= {"running"}
    assert {row["name"] for row in rows if row["run_id"]} == set(NAMES)
    assert max(row["deliveries"] for row in rows) > 1  # Some were read by two servers.
    runs = [run["display_name"] for run in contract.state.runs.values()]
    assert sorted(runs) == sorted(started)


def takes_part(server: TriggerProcess) -> None:
    """Wait until it has partitions."""
    until(lambda: re.search(r"kafka: \S*/.* came", server.log.read_text()))


def ended(server: TriggerProcess) -> None:
    server.process.terminate()
    assert server.process.wait(PATIENCE) == 128 + signal.SIGTERM


class Reading:
    """Consumers of one topic whose messages wait until a test decides on them."""

    def __init__(self, config: Path, store: TriggerStore, commits: Callable[[], int]) -> None:
        self._document, self._store = trigger_file.read(config), store
        self.commits = commits

    @contextmanager
    def one(self) -> Iterator[None]:
        """Read for the block's time."""
        triggers, store = self._document.triggers, self._store
        assert self._document.kafka
        intake = Intake(triggers, store, TriggerMetrics(triggers), lambda: None)
        source = KafkaSource(self._document.kafka, triggers[0].topics, intake, store)
        end = threading.Event()
        thread = threading.Thread(target=source.run, args=(end,))
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def rows(self, count: int) -> list[Triggered]:
        """Return what was read, once it is so much."""
        until(lambda: len(self._store.newest(count + 1)) >= count)
        return self._store.newest(count + 1)

    def refuse(self, rows: list[Triggered]) -> None:
        """Decide on them."""
        for row in rows:
            self._store.move(row, TriggerState.REFUSED, reason="cool_down")


@pytest.fixture(params=STRATEGIES)
def reading(request: pytest.FixtureRequest, tmp_path: Path, topics: Topics) -> Iterator[Reading]:
    topic = topics.new(partitions=2)
    trigger = f"  - {{name: a, when: [{{topic: {topic}}}], start: {{pipeline: retrain}}}}\n"
    config = written(tmp_path, topics, request.param, trigger)
    for partition in (0, 1):
        topics.send(topic, [b"{}"] * HALF, partition=partition)
    with closing(open_store(str(tmp_path / "triggers.sqlite"))) as store:
        group = f"group-{tmp_path.name}"
        offsets = lambda: topics.committed(group, topic).values()  # noqa: E731
        yield Reading(config, store, lambda: sum(max(one, 0) for one in offsets()))


HALF = MOST_WAITING * 3 // 5


def test_no_more_is_read_than_may_wait_and_what_is_decided_on_makes_room(reading: Reading):
    with reading.one():
        rows = reading.rows(MOST_WAITING)
        assert len(rows) == MOST_WAITING
        decided = time.time()
        reading.refuse(rows[:HALF])
        rows = reading.rows(2 * HALF)
    assert min(row.received for row in rows[MOST_WAITING:]) >= decided
    assert [row.deliveries for row in rows] == [1] * 2 * HALF
    assert reading.commits() == HALF


def test_partitions_that_go_and_come_while_reading_is_held_are_read_on(reading: Reading):
    with reading.one():
        assert len(reading.rows(MOST_WAITING)) == MOST_WAITING
        with reading.one():  # It takes one partition; with the other there is room again.
            assert len(reading.rows(2 * HALF)) == 2 * HALF
            assert reading.commits() == 0
        # Both are here again, and more wait than may; what is decided on is read and committed.
        reading.refuse(reading.rows(2 * HALF))
        until(lambda: reading.commits() == 2 * HALF)
    assert len({row.key for row in reading.rows(2 * HALF)}) == 2 * HALF

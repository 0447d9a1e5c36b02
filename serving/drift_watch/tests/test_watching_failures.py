"""What breaks one window, one watch or one process holds up nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from watched_traffic import BEGIN, Traffic, fitted, instances, table, watch

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.detector_document import Choice
from kanaria.serving.drift_watch import watch_states
from kanaria.serving.drift_watch.watch_detectors import RETRY_SECONDS, detectors
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.drift_watch.window_attempts import Attempts
from kanaria.serving.drift_watch.window_runner import Runner, Watched
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader, open_store

HERE = Path(__file__).parent
LATE = BEGIN + 1_000_000.0
STREAM = Stream(namespace="default", service="flights", version="3")

DYING = """
import os, sys
from watched_traffic import Traffic, fitted
from kanaria.serving.drift_watch.examine_window import Fitted

class Dying:
    name = "dying"
    def test(self, reference, window):
        if len(window["delay"]) and window["delay"].mean() > 1:
            os._exit(9)
        return fitted().detector.test(reference, window)

traffic = Traffic(sys.argv[1])
traffic.runner(detector=Fitted(detector=Dying(), reference=fitted().reference)).turn(1e12)
"""


@pytest.fixture
def traffic(tmp_path):
    return Traffic(str(tmp_path / "events.sqlite"))


def test_a_window_on_which_the_process_ended_twice_is_passed_over(traffic, tmp_path):
    traffic.send_table(200, seed=2)
    traffic.send_table(200, seed=3, moved=5.0)
    traffic.send_table(200, seed=4)
    (tmp_path / "dying.py").write_text(DYING)
    command = [sys.executable, str(tmp_path / "dying.py"), traffic.location]
    codes = [
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(HERE)}, check=False).returncode
        for _ in range(3)
    ]
    assert codes == [9, 9, 0]
    windows = [window for _, window in traffic.verdicts()]
    assert [window.verdict for window in windows] == ["stable", "failed", "stable"]
    assert "ended on it 2 times" in windows[1].failure
    assert [window.rows for window in windows] == [200, 200, 200]


def test_attempts_of_other_hosts_and_those_that_another_fault_ended_do_not_count(location):
    store = open_store(location)
    first, second = Attempts(store, "a"), Attempts(store, "b")
    assert [one.begin("drift", STREAM, 7) for one in (first, second, first, second)] == [True] * 4
    assert not Attempts(store, "a").begin("drift", STREAM, 7)
    assert Attempts(store, "a").begin("drift", STREAM, 8)
    for _ in range(5):
        assert first.begin("drift", STREAM, 9)
        first.release("drift", STREAM, 9)


class Away:
    """A reader of a store that goes away when a window is read."""

    def __init__(self, reader):
        self._reader, self.away = reader, True

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def by_number(self, stream, after, last):
        if self.away:
            raise StoreError("gone")
        return self._reader.by_number(stream, after, last)


def test_a_store_that_goes_away_costs_no_window(traffic):
    traffic.send_table(200, seed=2)
    away = Away(open_reader(traffic.location))
    watched = Watched(watch=watch(), fitted=lambda _: fitted())
    runner = Runner(traffic.store, away, [watched], lambda *_: None)
    for _ in range(4):
        with pytest.raises(StoreError):
            runner.turn(LATE)
    away.away = False
    assert runner.turn(LATE) == 1
    assert [window.verdict for _, window in traffic.verdicts()] == ["stable"]


def test_one_watch_without_a_detector_holds_up_no_other_and_says_so(traffic, tmp_path):
    traffic.send_table(200, seed=2)
    folder, clock = tmp_path / "detector", [0.0]
    bad = Watched(
        watch=watch(name="bad", detector=str(folder)),
        fitted=detectors(Choice(folder=str(folder)), lambda: clock[0]),
    )
    good = Watched(watch=watch(name="good"), fitted=lambda _: fitted())
    store, reader = open_store(traffic.location), open_reader(traffic.location)
    runner = Runner(store, reader, [bad, good], lambda *_: None)
    assert runner.turn(LATE) == 1
    broken, works = runner.states()
    assert (str(folder) in broken.broken, works.broken) == (True, "")
    saved_detector.save(folder, fitted().detector, fitted().reference)
    assert runner.turn(LATE) == 0, "it is looked for again after a while"
    clock[0] = RETRY_SECONDS
    assert runner.turn(LATE) == 1
    assert {state.broken for state in runner.states()} == {""}
    assert [window.verdict for _, window in traffic.verdicts("bad")] == ["stable"]


def test_a_watch_nobody_has_asked_yet_is_broken_too(traffic, tmp_path):
    settings = watch(detector=str(tmp_path / "absent"))
    one = Watched(watch=settings, fitted=detectors(settings.detector))
    runner = Runner(traffic.store, open_reader(traffic.location), [one], lambda *_: None)
    runner.turn(LATE)
    assert "absent" in runner.states()[0].broken


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"detector.json": b"{"},
        {"detector.json": b'{"detector": []}'},
        {"config.toml": b'name = "KSDrift"'},
        {"config.toml": b'name = ["KSDrift"]\nx_ref = "x_ref.npy"', "x_ref.npy": b"\x93NUMPY"},
    ],
)
def test_a_folder_that_holds_no_detector_is_told(tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NotReadyError, match="detector"):
        detectors(Choice(folder=str(tmp_path)))("3")


def test_a_folder_of_alibi_detect_is_watched_with(tmp_path):
    np.save(tmp_path / "x_ref.npy", np.random.default_rng(1).normal(size=(500, 1)))
    (tmp_path / "config.toml").write_text(
        'name = "KSDrift"\nx_ref = "x_ref.npy"\np_val = 0.05\ncorrection = "bonferroni"\n'
    )
    of_version = detectors(Choice(folder=str(tmp_path)))("3")
    assert (of_version.detector.name, list(of_version.reference.values)) == (
        "kolmogorov_smirnov",
        ["0"],
    )


def test_exchanges_that_were_removed_meanwhile_are_passed_over(traffic):
    settings = watch(labels={"task": "binary", "delay_hours": 0})
    traffic.send_table(200, seed=2)
    runner = traffic.runner(settings)
    traffic.store._database.execute("DELETE FROM exchanges")
    runner._next = lambda *_: (0, 20)
    assert runner._are_labels_due(STREAM, 20, settings.labels, LATE)
    assert runner._test(runner._watched[0], STREAM, LATE)
    assert runner._judge(settings, STREAM, LATE)
    assert traffic.verdicts() == []


def test_states_are_told_as_a_line_as_json_and_as_gauges():
    states = (
        State(namespace="default", service="flights", name="drift", broken="gone"),
        State(namespace="default", service="flights", name="other"),
    )
    assert watch_states.read(watch_states.line(states).encode()) == states
    assert watch_states.read(b"a warning that some library writes") is None
    assert watch_states.plain(states)[0]["broken"] == "gone"
    text = watch_states.gauges(states).decode()
    labels = 'detector="drift",namespace="default",service="flights"'
    assert f"kanaria_drift_watch_broken{{{labels}}} 1.0" in text
    assert f"kanaria_drift_watch_broken{{{labels.replace('drift', 'other', 1)}}} 0.0" in text


def test_a_transformers_requests_are_a_stream_of_their_own(location):
    predictor, transformer = Traffic(location), Traffic(location, component="transformer")
    predictor.send_table(200, seed=2)
    transformer.send_table(200, seed=2, moved=9.0)
    runner = predictor.runner()
    assert runner.turn(LATE) == 1
    assert [window.verdict for _, window in predictor.verdicts()] == ["stable"]
    own = predictor.runner(watch(name="raw", component="transformer"))
    assert own.turn(LATE) == 1
    assert [window.verdict for _, window in predictor.verdicts("raw")] == ["drifted"]


def test_a_component_that_is_not_named_is_the_predictor(location):
    traffic = Traffic(location, component="")
    traffic.send_table(200, seed=2)
    assert traffic.runner().turn(LATE) == 1


def test_each_label_counts_once_however_often_its_request_was_seen(location):
    traffic = Traffic(location)
    rows = instances(table(200, 2))
    for component, mark in (("predictor", ""), ("transformer", "t"), ("predictor", "again")):
        other = Traffic(location, component=component, mark=mark)
        other.send(rows, [0.5] * 200, [1] * 200)
    runner = traffic.runner(
        watch(labels={"task": "binary", "delay_hours": 0}, window={"rows": 400})
    )
    runner.turn(LATE)
    ((_, labels),) = traffic.verdicts("drift/labels")
    assert (labels.rows, labels.labelled) == (400, 200)

"""The report that a verdict leads to: of one version, until its window ended."""

import json
from contextlib import closing

import pytest
from watched_traffic import BEGIN, Traffic, watch

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift_watch import stored_verdicts, verdict_routes
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader

LATE = BEGIN + 1_000_000.0


def test_a_report_shows_a_version_until_a_moment(tmp_path):
    traffic = Traffic(str(tmp_path / "events.sqlite"))
    traffic.send_table(200, seed=2)
    traffic.send_table(200, seed=3, moved=2.0)
    traffic.runner(watch()).turn(LATE)
    windows = [window for _, window in traffic.verdicts()]
    with closing(open_reader(traffic.location)) as reader:
        (stream,) = reader.streams()
        for end, count in ((windows[0].end, 1), (windows[1].end, 2)):
            (watched,) = stored_verdicts.report_of(reader, stream, end, LATE).watched
            assert [one.end for one in watched.windows] == [one.end for one in windows[:count]]
        other = Stream(namespace="default", service="flights", version="none")
        assert stored_verdicts.report_of(reader, other, LATE, LATE).watched == ()


def test_the_parameters_of_a_report_are_read_or_all_faults_told():
    assert verdict_routes.read_wanted({}) is None
    stream, until = verdict_routes.read_wanted(
        {"namespace": "a", "service": "b", "version": "1", "end": "1970-01-01T00:00:10+00:00"}
    )
    assert (stream.service, stream.version, until) == ("b", "1", 10.0)
    with pytest.raises(ParameterError, match=r"namespace=None.*end='noon'"):
        verdict_routes.read_wanted({"service": "b", "end": "noon"})


def test_labels_are_counted_for_who_names_the_service(tmp_path):
    traffic = Traffic(str(tmp_path / "events.sqlite"))
    traffic.send_table(20, seed=2, labels=[1] * 20)
    place = {"namespace": "default", "service": "flights"}
    assert json.loads(verdict_routes.labelled_json(traffic.location, place)) == {"rows": 20}
    with pytest.raises(ParameterError, match=r"service=None.*since='yesterday'"):
        verdict_routes.labelled_json(traffic.location, {"namespace": "a", "since": "yesterday"})

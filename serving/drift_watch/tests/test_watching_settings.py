import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift_watch.next_window_end import end_by_clock
from kanaria.serving.drift_watch.watch_file import read
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.window_ends import Head

WHOLE = """
- service: flights-delay
  detector: s3://models/drift
  window: {rows: 1000, minutes: 60}
  labels: {task: binary}
  verdicts_to: http://broker/drift
- {service: flights-delay, name: images, detector: /models/images, window: {minutes: 5}}
"""


def written(tmp_path, text):
    path = tmp_path / "watch.yaml"
    path.write_text(text)
    return path


def test_a_file_names_services_detectors_and_windows(tmp_path):
    first, second = read(written(tmp_path, WHOLE))
    assert (first.namespace, first.name, first.window.rows) == ("default", "drift", 1000)
    assert (first.labels.task, first.labels.delay_hours) == (Task.BINARY, 24.0)
    assert (second.name, second.window.rows, second.labels) == ("images", None, None)


def test_a_watch_without_a_namespace_is_of_the_servers_own(tmp_path, monkeypatch):
    monkeypatch.setenv("KANARIA_NAMESPACE", "team")
    path = written(tmp_path, WHOLE.replace("name: images", "namespace: other"))
    assert [watch.namespace for watch in read(path)] == ["team", "other"]


def test_all_faults_of_a_file_are_named_at_once(tmp_path):
    text = """
- {service: a, detector: d, window: {}, verdicts_to: ftp://x}
- {service: "", window: {rows: 0}, labels: {task: guess}, color: red}
"""
    with pytest.raises(ParameterError) as raised:
        read(written(tmp_path, text))
    for fault in (
        "0.window={}: name rows, minutes or both",
        "0.verdicts_to='ftp://x'",
        "1.service=''",
        "1.detector",
        "1.window.rows=0",
        "1.labels.task='guess'",
        "1.color='red'",
    ):
        assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "line 1, column 2: not YAML"),
        ("", "document=None"),
        ("[]", "list at least one service"),
        (WHOLE.replace("name: images", "name: drift"), "2 watches of default/flights-delay"),
        (WHOLE.replace("name: images", "name: a/b"), "1.name='a/b'"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path, text, fault):
    with pytest.raises(ParameterError, match=r"watch\.yaml") as raised:
        read(written(tmp_path, text))
    assert fault in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"absent\.yaml"):
        read(tmp_path / "absent.yaml")


ARRIVALS = st.lists(st.floats(0, 1000), max_size=30).map(sorted)


@given(ARRIVALS, st.floats(1, 100), st.floats(0, 50), st.floats(0, 1200))
def test_windows_by_the_clock_hold_every_exchange_once_and_one_span_each(
    times, seconds, grace, now
):
    heads = [Head(number=n, rows=1, received=t, whole=True) for n, t in enumerate(times, start=1)]
    place, spans = 0, []
    while (last := end_by_clock(heads[place:], seconds, grace, now)) is not None:
        spans.append({head.received // seconds for head in heads[place:last]})
        place = last
    assert all(len(span) == 1 for span in spans)
    assert len(set.union(set(), *spans)) == len(spans)
    # What is left over belongs to a span that is not over.
    assert place == len(heads) or now < (heads[place].received // seconds + 1) * seconds + grace

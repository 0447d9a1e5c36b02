import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.drift_server.label_upload import LabelError, read_labels
from kanaria.serving.payload_log.exchanges import Label
from kanaria.serving.payload_log.open_store import open_store

NOW = 1_769_860_800.0


def label(request_id, value, row=0, time=NOW):
    return Label(request_id=request_id, row=row, value=value, time=time)


def read(body, content_type="application/json"):
    text = body if isinstance(body, str) else json.dumps(body)
    return read_labels(text.encode(), content_type, NOW)


def test_one_label_many_rows_and_a_list_of_both():
    one, rows = {"request_id": "a", "label": 1}, {"request_id": "b", "labels": [0.5, None, "x"]}
    several = [label("b", 0.5, 0), label("b", "x", 2)]
    assert read(one) == [label("a", 1)]
    assert read(rows) == several
    assert read([one, rows]) == [label("a", 1), *several]


def test_json_lines():
    text = '{"request_id": "a", "label": true}\n\n{"request_id": "b", "row": 3, "label": "x"}\n'
    assert read(text, "application/x-ndjson; charset=utf-8") == [label("a", 1), label("b", "x", 3)]


def test_csv():
    text = "request_id,row,label,time\na,,1,\nb,2,0.5,2026-01-31T11:00:00Z\nc,0,late,\n"
    expected = [label("a", 1), label("b", 0.5, 2, NOW - 3600), label("c", "late")]
    assert read(text, "text/csv") == expected


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"label": 1}, "label 0: request_id=None"),
        ({"request_id": "a"}, "use request_id, label"),
        ({"request_id": "a", "label": 1, "labels": [1]}, "use request_id, label"),
        ({"request_id": "a", "lable": 1}, "lable"),
        ({"request_id": "a", "label": None}, "label=None"),
        ({"request_id": "a", "label": [1]}, r"label=\[1\]"),
        ({"request_id": "a", "label": 2**63}, "label=9223372036854775808"),
        ({"request_id": "a", "label": 1, "row": -1}, "row=-1"),
        ({"request_id": "a", "label": 1, "time": "noon"}, "time='noon'"),
        ({"request_id": "\ud800", "label": 1}, "request_id="),
        ([{"request_id": "a", "label": 1}, 5], "label 1: 5 is no object"),
        ('{"request_id": "a", "label": NaN}', "label=nan"),
        ("{", "not 'application/json'"),
    ],
)
def test_a_fault_names_the_label(body, fault):
    with pytest.raises(LabelError, match=fault):
        read(body)


def test_a_fault_in_csv_names_its_line():
    with pytest.raises(LabelError, match="line 3: row='x'"):
        read("request_id,row,label\na,0,1\nb,x,1\n", "text/csv")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
records = st.fixed_dictionaries(
    {"request_id": json_values}, optional=dict.fromkeys(["row", "label", "labels"], json_values)
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(str(tmp_path_factory.mktemp("labels") / "events.db"))


@given(st.lists(records, max_size=3) | json_values)
def test_any_json_is_kept_or_refused_but_never_a_crash(store, document):
    try:
        labels = read(document)
    except LabelError:
        return
    assert len(store.apply(labels, NOW)) == len(labels)


@given(st.text(), st.sampled_from(["text/csv", "application/x-ndjson"]))
def test_any_text_is_kept_or_refused_but_never_a_crash(store, text, content_type):
    try:
        labels = read(text, content_type)
    except LabelError:
        return
    assert len(store.apply(labels, NOW)) == len(labels)

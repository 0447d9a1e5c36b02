import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.observations.prometheus_queries import PARTS, QuerySet
from kanaria.serving.rollout.observations.prometheus_source import vector
from kanaria.serving.rollout.observations.prometheus_vector import replicas
from kanaria.serving.rollout.observations.replica_counters import Memory, Replica, advance

NOW = 1_700_000_000.0
QUERIES = QuerySet(
    replica="pod",
    unit="milliseconds",
    sampled="timestamp(x)",
    requests='x{r="$revision"}',
    errors='x{r="$revision"}',
)
REFUSALS = QUERIES.model_copy(update={"refused": 'x{r="$revision"}'})


def row(part, value, pod="a", **labels):
    metric = {"kanaria_part": part, **({"pod": pod} if pod else {}), **labels}
    return {"metric": metric, "value": [NOW, str(value)]}


def alive(pod="a", age=10.0):
    return row("sampled", NOW - age, pod)


def test_a_replica_has_the_counters_of_its_series():
    rows = [alive(), row("started", 5.5), row("requests", 90), row("errors", 2)]
    buckets = [
        row("buckets", count, le=le) for le, count in (("+Inf", 90), ("1000", 89), ("7", 60))
    ]
    counted = replicas([*rows, *buckets], QUERIES)
    slower = ((0.007, 30.0), (1.0, 1.0))
    assert counted == (Replica(name="a", requests=90, errors=2, slower=slower, started=5.5),)


def test_a_replica_without_requests_is_there_with_none():
    assert replicas([alive()], QUERIES) == (Replica(name="a", requests=0, errors=0),)


def test_a_replica_whose_last_sample_is_old_is_left_out():
    rows = [alive("a"), alive("b", age=200), row("requests", 7, "a"), row("requests", 7, "b")]
    assert [replica.name for replica in replicas(rows, QUERIES)] == ["a"]


def test_refusals_are_counted_where_they_are_asked_for_and_else_unknown():
    rows = [alive(), row("requests", 90)]
    assert [one.refused for one in replicas([*rows, row("refused", 7)], REFUSALS)] == [7]
    assert [one.refused for one in replicas(rows, REFUSALS)] == [0]
    assert [one.refused for one in replicas(rows, QUERIES)] == [None]


def refused(*rows):
    with pytest.raises(DataError) as error:
        replicas(rows, QUERIES)
    return str(error.value)


def test_nothing_sampled_is_no_answer():
    assert refused() == "there is no sample; is it scraped?"
    assert refused(row("requests", 7)) == "there is no sample; is it scraped?"


def test_only_old_samples_are_no_answer():
    assert "the last sample is of 1699999700" in refused(alive(age=300))


def test_two_series_of_one_replica_are_refused():
    assert "is it scraped twice" in refused(alive(), row("requests", 1), row("requests", 2))


def test_a_series_without_the_label_of_the_replica_is_refused():
    assert "requests: a series has no label pod" in refused(alive(), row("requests", 1, pod=""))


def test_a_value_that_is_no_number_is_refused():
    assert "requests: nan of a" in refused(alive(), row("requests", "NaN"))


def test_buckets_without_bounds_are_refused():
    assert "the label le" in refused(alive(), row("buckets", 1))
    assert "the label le" in refused(alive(), row("requests", 1, le="1"))


def buckets(*pairs):
    return [row("buckets", count, le=bound) for bound, count in pairs]


def without(key):
    """A row without one of its parts, or without a label."""
    counted = row("requests", 5)
    for part in (counted, counted["metric"]):
        part.pop(key, None)
    return counted


GOOD = [alive(), row("requests", 90), row("errors", 2)]


@pytest.mark.parametrize(
    "odd",
    [
        *([row(part, value)] for part in PARTS for value in ("NaN", "+Inf", "-Inf", "-1", "", "x")),
        [row("errors", 91)],
        [row("refused", 91)],
        [row("requests", 2**60)],
        [row("requests", 5), row("requests", 5)],
        [row("else", 5)],
        [row("sampled", NOW * 1000, pod="b")],
        [without("metric")],
        [without("value")],
        [without("kanaria_part")],
        [without("pod")],
        [without("pod") | {"metric": None}],
        [row("requests", 5) | {"value": [NOW]}],
        [row("requests", 5) | {"value": [NOW, 5]}],
        [row("requests", 5) | {"value": [str(NOW), "5"]}],
        [row("requests", 5) | {"value": [math.nan, "5"]}],
        [row("requests", 5) | {"values": [[NOW, "5"]], "value": None}],
        [{"metric": {"pod": 5, "kanaria_part": "requests"}, "value": [NOW, "5"]}],
        [NOW, "5"],
        ["text"],
        buckets(("1000", 89), ("7", 60)),
        buckets(("+Inf", 90), ("1000", 60), ("7", 89)),
        buckets(("+Inf", 60), ("1000", 89)),
        buckets(("+Inf", 90), ("NaN", 60)),
        buckets(("+Inf", 90), ("-Inf", 60)),
        buckets(("+Inf", 90), ("wide", 60)),
        buckets(("+Inf", 90), ("", 60)),
        buckets(("+Inf", 90), ("1", 60), ("1.0", 60)),
        buckets(("+Inf", 90), ("+Inf", 90)),
    ],
    ids=str,
)
def test_a_result_that_no_query_here_gives_is_refused(odd):
    others = [] if any(part == "requests" for part in parts(odd)) else GOOD[1:]
    alive_ = [] if "sampled" in parts(odd) else GOOD[:1]
    with pytest.raises(DataError):
        replicas([*alive_, *others, *odd], REFUSALS)


def parts(rows):
    return {(one.get("metric") or {}).get("kanaria_part") for one in rows if isinstance(one, dict)}


def test_buckets_without_requests_are_refused():
    assert "none are counted" in refused(alive(), *buckets(("+Inf", 9), ("1000", 9)))


def body(result=(), kind="vector", **more):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}} | more)


MATRIX = [{"metric": {}, "values": [[NOW, "5"]]}]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (body(MATRIX, "matrix"), "the result is a 'matrix'"),
        (body([NOW, "5"], "scalar"), "the result is a 'scalar'"),
        (body([NOW, "text"], "string"), "the result is a 'string'"),
        (body({"0": row("requests", 5)}), "instant vector"),
        (body(None), "instant vector"),
        (body(status="error", error="query timed out"), "'query timed out'"),
        (body(status="partial"), "Prometheus says 'partial'"),
        (body(warnings=["store 10.0.0.7 is gone"]), "not whole"),
        (body(isPartial=True), "not whole"),
        (body(data=None), "not the answer|says"),
        (body(data=[]), "not the answer"),
        (body()[:-9], "not the answer"),
        ('{"status": "success"}', "says"),
        ("", "not the answer"),
        ("null", "not the answer"),
        ("<html><body>Sign in</body></html>", "not the answer"),
        ("[" * 100_000, "not the answer"),
        ('{"status": "success", "data": ' + "9" * 5000 + "}", "not the answer"),
        (b"\xff\xfe\x00", "not the answer"),
    ],
    ids=lambda sample: str(sample)[:40],
)
def test_an_answer_of_another_form_is_refused_in_one_line(text, fault):
    with pytest.raises(DataError, match=fault) as error:
        vector(text if isinstance(text, bytes) else text.encode())
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_an_answer_with_more_than_was_asked_for_is_taken():
    text = body([alive()], infos=["x"], stats={"timings": {}}, warnings=None, error=None)
    assert vector(text.encode()) == [alive()]


numbers = st.one_of(
    st.sampled_from(["0", "5", "90", "1e3", "NaN", "+Inf", "-Inf", "-1", "1e308", "", "0x10"]),
    st.floats().map(str),
    st.integers().map(str),
)
labels = st.fixed_dictionaries(
    {},
    optional={
        "pod": st.sampled_from(["a", "b", ""]),
        "kanaria_part": st.sampled_from([*PARTS, "", "else"]),
        "le": st.one_of(numbers, st.sampled_from(["+Inf", "7", "1000"])),
    },
)
times = st.one_of(st.sampled_from([NOW, NOW - 5]), st.floats(), st.integers())
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
plausible = st.sampled_from([alive(), alive("b"), *GOOD, *buckets(("+Inf", 90), ("7", 60))])
series = st.one_of(
    plausible,
    st.fixed_dictionaries({"metric": labels, "value": st.tuples(times, numbers).map(list)}),
    anything,
)
results = st.lists(series, max_size=8) | anything
envelopes = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["success"] * 9 + ["error"]),
        "data": st.fixed_dictionaries(
            {"resultType": st.sampled_from(["vector"] * 9 + ["matrix"]), "result": results}
        ),
    },
    optional={"warnings": anything, "error": anything},
)


@settings(deadline=None, max_examples=1000)
@given(envelopes | anything)
def test_whatever_is_answered_counts_whole_or_is_refused(answer):
    try:
        counted = replicas(vector(json.dumps(answer).encode()), REFUSALS)
    except DataError:
        return
    assert counted
    for one in counted:
        assert 0 <= max(one.errors, one.refused) <= one.requests < math.inf
        assert all(0 <= count < math.inf for _, count in one.slower or ())
    memory, _ = advance(Memory(), [], NOW)
    _, counts = advance(memory, counted, NOW)
    assert counts.requests == sum(round(one.requests) for one in counted)

import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.counters import Replica
from kanaria.serving.rollout.observations.queries import QuerySet
from kanaria.serving.rollout.observations.vector import replicas

NOW = 1_700_000_000.0
QUERIES = QuerySet(
    replica="pod",
    unit="milliseconds",
    sampled="timestamp(x)",
    requests='x{r="$revision"}',
    errors='x{r="$revision"}',
)


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
    found = replicas([*rows, *buckets], QUERIES)
    slower = ((0.007, 30.0), (1.0, 1.0))
    assert found == (Replica(name="a", requests=90, errors=2, slower=slower, started=5.5),)


def test_a_replica_without_requests_is_there_with_none():
    assert replicas([alive()], QUERIES) == (Replica(name="a", requests=0, errors=0),)


def test_a_replica_whose_last_sample_is_old_is_left_out():
    rows = [alive("a"), alive("b", age=200), row("requests", 7, "a"), row("requests", 7, "b")]
    assert [replica.name for replica in replicas(rows, QUERIES)] == ["a"]


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

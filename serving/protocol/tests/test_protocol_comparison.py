import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.protocol.comparison_document import (
    ComparisonQuery,
    ModelCounts,
    read_counts,
    read_query,
)

NAME = st.text(min_size=1)
TASKS = ("binary", "regression")
COUNT = st.integers(0, 2**40)


@given(
    names=st.tuples(NAME, NAME, NAME, NAME).filter(lambda names: names[2] != names[3]),
    since=st.integers(0, 4 * 10**9),
    task=st.sampled_from(TASKS),
    output=st.text(),
)
def test_what_a_rollout_asks_is_what_the_server_reads(names, since, task, output):
    namespace, service, canary, stable = names
    query = ComparisonQuery(
        namespace=namespace,
        service=service,
        canary=canary,
        stable=stable,
        since=float(since),
        task=task,
        output=output,
    )
    assert read_query(query.parameters(), TASKS) == query


@given(classes=st.dictionaries(NAME, COUNT, max_size=5), drifted=COUNT, more=COUNT)
def test_what_the_server_answers_is_what_a_rollout_reads(classes, drifted, more):
    apart = sum(classes.values())
    counts = ModelCounts(
        canary=classes,
        pairs=apart + more,
        canary_apart=classes,
        stable_apart={"other": apart},
        canary_right=apart,
        windows=drifted + more,
        drifted=drifted,
    )
    assert read_counts(json.dumps(counts.document()), "http://drift") == counts


def test_all_faults_of_a_query_are_told_at_once():
    with pytest.raises(ParameterError) as caught:
        read_query({"namespace": "a", "canary": "1", "stable": "1", "task": "guess"}, TASKS)
    for name in ("service", "stable", "since", "task"):
        assert name in str(caught.value)

from collections import Counter

import pytest

from kanaria.serving.local.metrics import Metrics
from kanaria.serving.rollout.observations.protocol import Revisions
from kanaria.serving.rollout.observations.router import reading

BOTH = Revisions(namespace="default", service="tips", canary="two", stable="one")


@pytest.fixture
def metrics():
    return Metrics([])


def read(metrics):
    return reading(metrics.text().decode(), BOTH, now=0.0)


def test_what_a_shadow_was_asked_is_the_canarys_and_never_the_stable_revisions(metrics):
    for _ in range(7):
        metrics.count("default", "tips", "one", 200, 0.01)
        metrics.count_mirrored("default", "tips", "two", 200, 0.01)
    metrics.count_mirrored("default", "tips", "two", 504, 10.0)
    found = read(metrics)
    assert (found.stable[0].requests, found.stable[0].errors) == (7, 0)
    assert (found.canary[0].requests, found.canary[0].errors) == (8, 1)
    assert dict(found.canary[0].slower)[0.05] == 1


def test_a_canary_that_answers_after_its_shadow_goes_on_counting(metrics):
    metrics.count_mirrored("default", "tips", "two", 200, 0.03)
    metrics.count("default", "tips", "two", 500, 0.002)
    (canary,) = read(metrics).canary
    assert (canary.requests, canary.errors) == (2, 1)
    assert Counter(count for _, count in canary.slower).keys() == {0, 1, 2}

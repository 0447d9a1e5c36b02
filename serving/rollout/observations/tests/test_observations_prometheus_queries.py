import re

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.rollout.observations.observation_source import Revisions
from kanaria.serving.rollout.observations.prometheus_queries import choose, read

REVISIONS = Revisions(namespace="team", service="flights", canary="flights-2", stable="flights-1")
GOOD = """
mine:
  replica: pod
  unit: seconds
  sampled: timestamp(started)
  requests: sum by (pod) (requests{revision="$revision", name=~"a$$"})
  errors: sum by (pod) (errors{revision="$revision", space="$namespace", service="$service"})
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "queries.yaml"
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize("name", ["knative", "traefik", "istio", "tensorflow_serving"])
def test_kanarias_own_queries_are_well_formed(name):
    assert "flights-2" in choose(name).query(REVISIONS, "flights-2")


def test_the_expressions_are_one_query_of_one_revision(write):
    assert choose("mine", write(GOOD)).query(REVISIONS, "flights-1") == (
        'label_replace((\ntimestamp(started)\n), "kanaria_part", "sampled", "", "")\n'
        'or\nlabel_replace((\nsum by (pod) (requests{revision="flights-1", name=~"a$"})\n),'
        ' "kanaria_part", "requests", "", "")\n'
        'or\nlabel_replace((\nsum by (pod) (errors{revision="flights-1", space="team",'
        ' service="flights"})\n), "kanaria_part", "errors", "", "")'
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("knative", True), ("traefik", True), ("istio", True), ("tensorflow_serving", False)],
)
def test_refusals_are_asked_for_where_they_are_counted_whole(name, expected):
    query = choose(name).query(REVISIONS, "flights-2")
    assert ('"kanaria_part", "refused"' in query) == expected
    assert ('"[34].."' in query and '!="499"' in query) == expected


def test_an_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="no queries 'kourier'; use knative, traefik, istio"):
        choose("kourier")


def test_every_fault_of_a_file_is_told_at_once(write):
    wrong = """
    first:
      replica: "pod name"
      unit: hours
      sampled: timestamp(up{revision="$version"})
      requests: sum by (pod) (requests)
      errors: sum by (pod) (errors{revision="$revision", name=~"a$"})
      latency: sum(x)
    second: {replica: pod, unit: seconds, sampled: "", requests: 3}
    """
    with pytest.raises(ParameterError) as refused:
        read(write(wrong))
    faults = str(refused.value).partition(": ")[2].split("; ")
    expected = {re.split("=| is missing", fault, maxsplit=1)[0] for fault in faults}
    assert expected >= {
        "first.replica",
        "first.unit",
        "first.sampled",
        "first.requests",
        "first.errors",
        "first.latency",
        "second.sampled",
        "second.requests",
        "second.errors",
    }
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["mine: [", "- a list", "", "mine: 3"])
def test_a_file_of_another_form_is_refused(write, text):
    with pytest.raises(ParameterError, match=r"queries\.yaml: "):
        read(write(text))


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="cannot be read"):
        read(tmp_path / "none.yaml")

"""Each stack's counters get one name, with the numbers that rollouts read from the same series."""

from string import Template

import pytest
import yaml
from test_alert_rules import ROOT, promtool

from kanaria.serving.rollout.observations import prometheus_queries

RULES = ROOT / "manifests/components/alerts/rules/requests.yaml"
ANSWERED, FAILED, SLOW = 105, 10, 25
KNATIVE = {"pod": "tips-predictor-00002-deployment-7c9-x1", "container": "queue-proxy"}
STANDARD = {"pod": "tips-1a2b3c4d-predictor-7c9-x1"}
OWN = {"kanaria_io_service": "tips"}
"""Where a revision is an InferenceService, its label names the service."""


def series(name, value, labels):
    text = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{text}}}", "values": f"{value}x5"}


def of_codes(name, code, labels, failed="500"):
    """Return a counter by code."""
    counts = {"200": ANSWERED - FAILED - 5, "404": 5, failed: FAILED}
    return [series(name, count, {**labels, code: value}) for value, count in counts.items()]


def of_bounds(name, bound, labels):
    """Return a histogram of which 25 are slower than the bound that means half a second."""
    counts = {bound: ANSWERED - SLOW, "+Inf": ANSWERED}
    return [series(name, count, {**labels, "le": le}) for le, count in counts.items()]


def queue_proxy(name, code="http_response_status_code", bound="0.5", count="count"):
    labels = {"namespace": "team", "job": "pods", "instance": "10.0.0.1:9091", **KNATIVE}
    counts = of_codes(f"{name}_{count}", code, labels)
    return counts + of_bounds(f"{name}_bucket", bound, {**labels, code: "200"})


def of_pods(counter, code, histogram, bound, failed):
    labels = {"namespace": "team", "job": "pods", "instance": "10.0.0.1:15090", **STANDARD, **OWN}
    return of_codes(counter, code, labels, failed) + of_bounds(histogram, bound, labels)


def istio():
    counter, histogram = "istio_requests_total", "istio_request_duration_milliseconds_bucket"
    made = of_pods(counter, "response_code", histogram, "500", "0")
    return [
        one | {"series": one["series"].replace("{", '{reporter="destination", ')} for one in made
    ]


def tensorflow_serving():
    counter, histogram = (
        ":tensorflow:serving:request_count",
        ":tensorflow:serving:request_latency_bucket",
    )
    made = of_pods(counter, "status", histogram, "393464", "INTERNAL")
    up = {"namespace": "team", "container": "kserve-container", **STANDARD}
    return [*made, series("up", 1, up)]


def opencensus():
    made = queue_proxy("revision_request", "response_code")[:3]
    labels = {"namespace": "team", "job": "pods", "instance": "10.0.0.1:9091", **KNATIVE}
    return made + of_bounds("revision_request_latencies_bucket", "500", labels)


def router():
    labels = {"namespace": "team", "service": "tips", "revision": "tips-00002"}
    labels |= {"instance": "localhost:8080", "job": "local"}
    counts = of_codes("kanaria_requests_total", "code", labels)
    return counts + of_bounds("kanaria_request_seconds_bucket", "0.5", labels)


SOURCES = {
    "queue-proxy": (queue_proxy("http_server_request_duration_seconds"), "knative"),
    "queue-proxy-invocations": (queue_proxy("kn_serving_invocation_duration_seconds"), ""),
    "queue-proxy-app": (queue_proxy("kn_queueproxy_app_duration_seconds"), ""),
    "queue-proxy-opencensus": (opencensus(), ""),
    "istio": (istio(), "istio"),
    "tensorflow-serving": (tensorflow_serving(), "tensorflow_serving"),
    "router": (router(), ""),
}
REVISIONS = {
    "istio": "tips-1a2b3c4d",
    "tensorflow-serving": "tips-1a2b3c4d",
    "router": "tips-00002",
}


def evaluated(tmp_path, counters, *expected):
    """Let promtool evaluate expressions, each with the one sample that it is to give."""
    story = {
        "interval": "30s",
        "input_series": counters,
        "promql_expr_test": [
            {"expr": expression, "eval_time": "2m", "exp_samples": samples}
            for expression, samples in expected
        ],
    }
    document = {"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": [story]}
    document["group_eval_order"] = ["kanaria-requests-by-source", "kanaria-requests"]
    file = tmp_path / "sources.test.yaml"
    file.write_text(yaml.safe_dump(document))
    promtool("test", "rules", file)


def sample(name, source, value, **labels):
    pods = {"istio": STANDARD, "tensorflow-serving": STANDARD}
    replica = "localhost:8080" if source == "router" else pods.get(source, KNATIVE)["pod"]
    revision = REVISIONS.get(source, "tips-predictor-00002")
    own = {"namespace": "team", "service": "tips", "revision": revision}
    text = ", ".join(
        f'{k}="{v}"' for k, v in (own | {"replica": replica, "source": source} | labels).items()
    )
    return {"labels": f"{name}{{{text}}}", "value": value}


@pytest.mark.parametrize("source", SOURCES)
def test_a_stack_is_counted_under_the_one_name(tmp_path, source):
    numbers = {"kanaria:replica_requests:total": ANSWERED, "kanaria:replica_errors:total": FAILED}
    expected = [(name, [sample(name, source, value)]) for name, value in numbers.items()]
    slow = "kanaria:replica_slow:total"
    expected += [(slow, [sample(slow, source, SLOW, seconds="0.5")])]
    evaluated(tmp_path, SOURCES[source][0], *expected)


@pytest.mark.parametrize("source", [name for name, (_, queries) in SOURCES.items() if queries])
def test_rollouts_read_the_same_numbers_from_the_same_series(tmp_path, source):
    counters, queries = SOURCES[source]
    chosen = prometheus_queries.choose(queries)
    names = {"namespace": "team", "service": "tips"}
    names["revision"] = REVISIONS.get(source, "tips-predictor-00002")
    pairs = (chosen.requests, "requests"), (chosen.errors, "errors")
    expected = [
        (
            f"({Template(text).substitute(names)}) - on () kanaria:replica_{name}:total",
            [{"labels": "{}", "value": 0}],
        )
        for text, name in pairs
    ]
    evaluated(tmp_path, counters, *expected)


def test_what_two_things_count_is_counted_once_nearer_to_the_client(tmp_path):
    both = queue_proxy("http_server_request_duration_seconds")
    both += queue_proxy("kn_serving_invocation_duration_seconds")
    behind = of_codes(
        ":tensorflow:serving:request_count", "status", {"namespace": "team", **KNATIVE}, "INTERNAL"
    )
    name = "kanaria:replica_requests:total"
    evaluated(tmp_path, both + behind, (name, [sample(name, "queue-proxy", ANSWERED)]))


def test_a_pod_that_is_scraped_twice_is_counted_once(tmp_path):
    once = queue_proxy("http_server_request_duration_seconds")
    twice = once + [
        one | {"series": one["series"].replace('job="pods"', 'job="again"')} for one in once
    ]
    name = "kanaria:replica_errors:total"
    evaluated(tmp_path, twice, (name, [sample(name, "queue-proxy", FAILED)]))


def test_no_error_yet_is_0_and_not_unknown(tmp_path):
    counters = router()[:1]
    name = "kanaria:replica_errors:total"
    evaluated(tmp_path, counters, (name, [sample(name, "router", 0)]))


def test_errors_and_refusals_of_grpc_behind_istio_count_by_their_own_status(tmp_path):
    labels = {"reporter": "destination", "namespace": "team", "response_code": "200"}
    labels |= {"job": "pods", "instance": "10.0.0.1:15090", **STANDARD, **OWN}
    statuses = {"0": 90, "3": 5, "13": 7, "14": 3}
    counters = [
        series("istio_requests_total", count, {**labels, "grpc_response_status": status})
        for status, count in statuses.items()
    ]
    chosen = prometheus_queries.choose("istio")
    names = {"namespace": "team", "service": "tips", "revision": REVISIONS["istio"]}
    expected = [
        (f"sum({Template(text).substitute(names)})", [{"labels": "{}", "value": value}])
        for text, value in ((chosen.requests, 105), (chosen.errors, 10), (chosen.refused, 5))
    ]
    rules = {"kanaria:replica_requests:total": 105, "kanaria:replica_errors:total": 10}
    expected += [(name, [sample(name, "istio", value)]) for name, value in rules.items()]
    evaluated(tmp_path, counters, *expected)

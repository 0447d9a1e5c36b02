import pytest

from kanaria.serving.local.router.request_paths import refusal


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models/flights:predict"),
        ("POST", "/v1/models/flights/versions/3:predict"),
        ("GET", "/v1/models/flights"),
        ("GET", "/v1/models/flights/metadata"),
        ("POST", "/v2/models/flights/infer"),
        ("POST", "/v2/models/flights/versions/3/infer"),
        ("GET", "/v2/models/flights"),
        ("HEAD", "/v2/models/flights/ready"),
    ],
)
def test_what_clients_ask_reaches_a_predictor(method, path):
    assert refusal(method, path) is None


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/v2/repository/models/flights/unload", 404),
        ("POST", "/v2/models/flights/unload", 404),
        ("POST", "/v1/models/flights:explain", 404),
        ("POST", "/v1/models/flights%3Apredict", 405),
        ("GET", "/metrics", 404),
        ("GET", "/", 404),
        ("GET", "//v2/models/flights", 404),
        ("GET", "/v2/models/flights/../../health", 404),
        ("GET", "/v1/models/flights:predict", 405),
        ("DELETE", "/v1/models/flights", 405),
        ("post", "/v2/models/flights/infer", 405),
    ],
)
def test_nothing_else_does(method, path, code):
    refused = refusal(method, path)
    assert (refused.code, path in refused.why) == (code, True)

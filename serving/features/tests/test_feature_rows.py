"""What a request becomes with the answer of a feature server, as Feast 0.67 writes it."""

import pytest

from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.features import feature_rows, feature_settings, store_answer
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_rows import FeatureError, Value
from kanaria.serving.protocol.json_body import RequestError

NOW = 1_767_500_000.0  # 2026-01-04T04:13:20Z
NEVER = "1970-01-01T00:00:00Z"
ANSWER = {
    "metadata": {"feature_names": ["driver_id", "trips", "town"]},
    "results": [
        {"values": [7, 8], "statuses": ["PRESENT"] * 2, "event_timestamps": [NEVER] * 2},
        {
            "values": [2**60 + 1, None],
            "statuses": ["PRESENT", "NOT_FOUND"],
            "event_timestamps": ["2026-01-03T00:00:00Z", NEVER],
        },
        {
            "values": ["Seoul", None],
            "statuses": ["PRESENT"] * 2,
            "event_timestamps": ["2026-01-01T00:00:00Z"] * 2,
        },
    ],
}
ROWS = {"instances": [{"driver_id": 7, "hour": 3}, {"driver_id": 8, "hour": 4}]}


def settings(**more):
    mapping = {"url": "http://feast/", "featureService": "trips_v1", "entities": ["driver_id"]}
    faults = Faults("features")
    read = feature_settings.read({**mapping, **more}, faults)
    faults.raise_if_any()
    return read


def joined(document, **more):
    read = settings(**more)
    features = store_answer.by_feature(ANSWER, 2, read, NOW)
    return feature_rows.with_features(document, features, read, ExpectedInputs())


def test_rows_get_their_features_and_lose_the_join_keys():
    answer = joined(ROWS, missing="defaults", defaults={"trips": 0, "town": None})
    assert answer["instances"] == [
        {"hour": 3, "trips": 2**60 + 1, "town": "Seoul"},
        {"hour": 4, "trips": 0, "town": None},
    ]


def test_a_server_without_null_gets_marks_and_rows_in_its_rank():
    tensors = {
        "trips": Tensor(dtype="int64", shape=(None,)),
        "town": Tensor(dtype="string", shape=(None, 1)),
        "share": Tensor(dtype="float32", shape=(None, 2)),
    }
    expected = ExpectedInputs(tensors=tensors, takes_null=False)
    features = {
        "trips": [Value(value=2**60 + 1), Value(value=None)],
        "town": [Value(value="Seoul"), Value(value=None)],
        "share": [Value(value=[0.5, 1]), Value(value=[2, 3])],
    }
    answer = feature_rows.with_features(ROWS, features, settings(), expected)
    assert answer["instances"] == [
        {"hour": 3, "trips": 2**60 + 1, "town": ["Seoul"], "share": [0.5, 1]},
        {"hour": 4, "trips": -(2**63), "town": [""], "share": [2, 3]},
    ]


def test_columns_get_columns_and_the_rest_of_the_request_stays():
    document = {"inputs": {"driver_id": [7, 8], "hour": [3, 4]}, "signature_name": "s"}
    answer = joined(
        document, missing="defaults", defaults={"trips": -1, "town": "?"}, keepEntities=True
    )
    assert answer == {
        "inputs": {
            "driver_id": [7, 8],
            "hour": [3, 4],
            "trips": [2**60 + 1, -1],
            "town": ["Seoul", "?"],
        },
        "signature_name": "s",
    }


def test_a_value_that_is_not_there_fails_without_a_default_for_that():
    with pytest.raises(FeatureError, match="row 1: feature 'trips' of 'trips_v1' is missing"):
        joined(ROWS)
    with pytest.raises(FeatureError, match="'town' of 'trips_v1' is missing"):
        joined(ROWS, missing="defaults", defaults={"trips": 0})


@pytest.mark.parametrize(
    ("value", "default", "served"),
    [
        (True, 0, 1),
        ([True, False], [], [1, 0]),
        ("Infinity", 0.5, float("inf")),
        ("-Infinity", "?", "-Infinity"),
        ("NaN", 0.5, 0.5),
        (-(2**63), 9, 9),
        ("NaN", "?", "NaN"),
        (2.5, None, 2.5),
    ],
)
def test_values_are_served_as_training_rows_have_them(value, default, served):
    column = {"values": [value], "statuses": ["PRESENT"], "event_timestamps": [NEVER]}
    answer = {"metadata": {"feature_names": ["f"]}, "results": [column]}
    read = settings(missing="defaults", defaults={"f": default})
    features = store_answer.by_feature(answer, 1, read, NOW)
    document = {"instances": [{"driver_id": 7}]}
    joined = feature_rows.with_features(document, features, read, ExpectedInputs())
    assert joined["instances"] == [{"f": served}]


@pytest.mark.parametrize(("most", "trips"), [(101_600, 2**60 + 1), (101_599, 5)])
def test_a_value_is_stale_beyond_its_age(most, trips):
    defaults = {"trips": 5, "town": None}
    age = {"trips": most}
    answer = joined(
        ROWS, missing="defaults", stale="defaults", defaults=defaults, maxAgeSeconds=age
    )
    assert answer["instances"][0]["trips"] == trips
    if trips == 5:
        with pytest.raises(FeatureError, match="'trips' of 'trips_v1' is stale"):
            joined(ROWS, missing="defaults", defaults=defaults, maxAgeSeconds=age)


def test_a_row_without_a_key_is_nobodys():
    document = {"instances": [{"hour": 1}, {"driver_id": "a"}, {"driver_id": 2.0}]}
    assert feature_rows.entities(document, settings()) == {"driver_id": [None, "a", 2]}


@pytest.mark.parametrize("value", [1.5, True, [7], {"b64": "Nw=="}])
def test_a_key_that_feast_would_take_for_another_is_refused(value):
    with pytest.raises(RequestError, match=r"row 0: driver_id=.* is no join key"):
        feature_rows.entities({"instances": [{"driver_id": value}]}, settings())


@pytest.mark.parametrize(
    "document",
    [{}, [], {"instances": []}, {"instances": [3]}, {"inputs": {"driver_id": 7}}, {"inputs": [1]}],
)
def test_a_request_without_entities_is_refused(document):
    with pytest.raises(RequestError):
        feature_rows.entities(document, settings())


def test_a_feature_that_the_client_sends_is_refused():
    document = {"instances": [{"driver_id": 7, "trips": 4}, {"driver_id": 8}]}
    with pytest.raises(RequestError, match="trips=4: comes from the feature store"):
        joined(document, missing="defaults", defaults={"trips": 0, "town": None})


@pytest.mark.parametrize(
    "answer", [{}, [], "text", {**ANSWER, "results": ANSWER["results"][:2]}, {"metadata": {}}]
)
def test_what_is_no_answer_of_a_feature_server_is_told(answer):
    with pytest.raises(DataError, match="feature server: "):
        store_answer.by_feature(answer, 2, settings(), NOW)


def test_an_age_of_a_feature_that_the_service_has_not_is_told():
    with pytest.raises(DataError, match="has no feature 'trip'; it has 'town', 'trips'"):
        store_answer.by_feature(ANSWER, 2, settings(maxAgeSeconds={"trip": 1}), NOW)


def test_all_faults_of_the_settings_are_told_at_once():
    wrong = {
        "url": "feast:6566",
        "entities": [],
        "timeoutMilliseconds": 0,
        "stale": "ignore",
        "missing": "defaults",
        "max_age_seconds": 3,
    }
    faults = Faults("push_model")
    feature_settings.read(wrong, faults)
    with pytest.raises(ParameterError) as raised:
        faults.raise_if_any()
    for part in (
        "service.features.url='feast:6566'",
        "service.features.featureService=''",
        "service.features.entities=[]",
        "use 1 to 60000",
        "service.features.stale='ignore'",
        "write the values as defaults",
        "did you mean service.features.maxAgeSeconds?",
    ):
        assert part in str(raised.value)


def test_the_transformer_holds_the_settings_whole():
    mapping = {
        "url": "http://feast:6566",
        "featureService": "trips_v1",
        "entities": ["driver_id"],
        "defaults": {"town": None, "rating": 4.5},
        "missing": "defaults",
    }
    part = feature_settings.transformer(mapping)
    assert settings(**feature_settings.of_transformer(part)) == settings(**mapping)
    other = {
        "containers": [{"name": "kserve-container", "image": "own", "args": ["--features", "{}"]}]
    }
    assert feature_settings.of_transformer(other) is None

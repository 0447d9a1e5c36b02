"""What models answer, as a real drift server tells it, and what is known when it does not."""

import json
import logging

import httpx
import pytest
from event_sender import Server, headers

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.protocol.comparison_document import ModelCounts, read_counts
from kanaria.serving.rollout.observations.drift_server_source import DriftServerSource
from kanaria.serving.rollout.observations.observation_source import Models, Reading, Revisions

MODELS = Models(canary="2", stable="1", since=0.0, task="binary", output="")
NAMES = {"namespace": "models", "service": "flights", "canary": "b", "stable": "a"}
NOTHING = Reading(now=5.0)


class Elsewhere:
    """A source of other numbers."""

    def read(self, _revisions):
        return NOTHING


def reading(url, models=MODELS):
    return DriftServerSource(Elsewhere(), url).read(Revisions(**NAMES, models=models))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(str((folder := tmp_path_factory.mktemp("drift")) / "events.db"), folder)
    server.start()
    server.wait()
    yield server
    server.stop()


def post(server, version, request_id, predicted):
    for kind, body in (
        ("request", {"instances": [[1.0]] * len(predicted)}),
        ("response", {"predictions": predicted}),
    ):
        head = headers(kind, f"{version} {request_id}", request_id, version)
        httpx.post(server.url, headers=head, content=json.dumps(body)).raise_for_status()


def test_totals_come_from_the_drift_server(server):
    for version, predicted in (("1", [0.1, 0.9]), ("2", [0.9, 0.9])):
        post(server, version, "order-a", predicted)
    wanted = httpx.get(
        f"{server.url}/disagreements",
        params={
            **NAMES,
            "canary": "2",
            "stable": "1",
            "since": "1970-01-01T00:00:00Z",
            "task": "binary",
        },
    ).json()
    assert [(one["request_id"], one["row"]) for one in wanted] == [("order-a", 0)]
    label = {"request_id": wanted[0]["request_id"], "row": wanted[0]["row"], "label": 1}
    httpx.post(f"{server.url}/labels", json=label).raise_for_status()
    assert reading(server.url).models == ModelCounts(
        canary={"1": 2},
        stable={"0": 1, "1": 1},
        pairs=2,
        canary_apart={"1": 1},
        stable_apart={"0": 1},
        canary_right=1,
    )


def test_a_token_is_presented_to_the_server_that_asks_for_it(tmp_path, monkeypatch, caplog):
    (tmp_path / "token").write_text("0123456789abcdef")
    server = Server(str(tmp_path / "events.db"), tmp_path, "--token-file", str(tmp_path / "token"))
    server.start()
    server.wait()
    assert (reading(server.url), "401" in caplog.text) == (NOTHING, True)
    monkeypatch.setenv("KANARIA_DRIFT_TOKEN_FILE", str(tmp_path / "token"))
    assert reading(server.url).models == ModelCounts()
    server.stop()


def test_nobody_is_asked_where_no_gate_needs_it(caplog):
    assert reading("http://127.0.0.1:9", models=None) is NOTHING
    assert not caplog.records


@pytest.mark.parametrize(
    ("url", "models", "said"),
    [
        ("http://127.0.0.1:9", MODELS, "no answer"),
        ("", MODELS, "name a drift server"),
        (
            "http://127.0.0.1:9",
            Models(**{**dict.fromkeys(MODELS.__slots__, ""), "since": 0.0}),
            "version",
        ),
    ],
)
def test_what_is_not_told_is_not_known_and_the_reason_is_logged(url, models, said, caplog):
    with caplog.at_level(logging.WARNING):
        assert reading(url, models).models is None
    assert said in caplog.text


def test_a_question_that_the_server_refuses_is_told(server, caplog):
    wrong = Models(canary="2", stable="1", since=0.0, task="binary", output="none")
    post(server, "1", "order-b", [0.5])
    assert reading(server.url, wrong).models is None
    assert "422" in caplog.text
    assert "name one" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"pairs": -1}',
        '{"pairs": 1, "drifted": 2}',
        '{"windows": 1e300}',
        '{"canary": {"a": NaN}}',
        pytest.param(f'{{"pairs": {"9" * 400}}}', id="more than a gate counts"),
    ],
)
def test_an_answer_that_is_none_is_refused(text):
    with pytest.raises(DataError, match="http://drift"):
        read_counts(text, "http://drift")


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://name:hidden@host", "host:80"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ParameterError, match="http://HOST:PORT") as caught:
        DriftServerSource(Elsewhere(), url)
    assert "hidden" not in str(caught.value)

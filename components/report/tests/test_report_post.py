"""What is posted, to whom, and what is said of it."""

import json
import logging
from pathlib import Path

import pytest
from report_receiver import Receiver
from test_report_markdown import run

from kanaria.components.report import run_event, webhook_post
from kanaria.components.report.run_event import Message
from kanaria.components.report.run_outcome import Left, Outcome
from kanaria.components.shared.errors import ParameterError

SECRET = "s3cr3t-0123456789"
MESSAGE = Message(headers={"content-type": "application/json"}, body=b"{}")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_post, "PAUSES", (0.0, 0.0))


def message(form: str, happened: object = None) -> Message:
    happened = happened or run()
    return run_event.FORMATS[form](happened, run_event.data(happened, "s3://b/summary", "0.1.0"))


def test_a_structured_event_holds_attributes_and_data():
    made = message("cloudevent")
    assert made.headers == {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert json.loads(made.body) == {
        "specversion": "1.0",
        "type": "io.kanaria.run.failed",
        "source": "/kanaria/pipelines/train-and-deploy",
        "id": "r-1",
        "subject": "train-and-deploy/r-1",
        "time": "2026-11-29T18:02:28.000Z",
        "datacontenttype": "application/json",
        "data": {
            "pipeline": "train-and-deploy",
            "run_id": "r-1",
            "run_name": "nightly",
            "outcome": "failed",
            "started": "2026-11-29T18:00:00Z",
            "seconds": 148.0,
            "causes": [{"step": "train-model", "text": "ValueError: too salty"}],
            "endpoint": None,
            "summary": "s3://b/summary",
            "kanaria": "0.1.0",
        },
    }


def test_a_binary_event_has_the_same_attributes_as_headers_and_the_data_as_its_body():
    structured = json.loads(message("cloudevent").body)
    made = message("cloudevent-binary")
    assert json.loads(made.body) == structured["data"]
    names = ("specversion", "type", "source", "id", "subject", "time")
    assert made.headers == {f"ce-{name}": structured[name] for name in names} | {
        "content-type": "application/json"
    }


def test_names_that_no_header_may_hold_are_encoded():
    made = message("cloudevent-binary", run(pipeline='흐름 \n"a%"'))
    assert made.headers["ce-subject"] == "%ED%9D%90%EB%A6%84%20%0A%22a%25%22/r-1"


def test_a_webhook_gets_one_text_and_nothing_else():
    assert json.loads(message("webhook").body) == {
        "text": "train-and-deploy failed after 2 min 28 s, run nightly: "
        "train-model: ValueError: too salty"
    }


def test_the_kserve_sdk_reads_both_events():
    from cloudevents.http import from_http

    for form in ("cloudevent", "cloudevent-binary"):
        made = message(form)
        read = from_http(dict(made.headers), made.body)
        assert read["type"] == "io.kanaria.run.failed"
        assert read.data["causes"][0]["step"] == "train-model"


def test_an_event_of_a_success_tells_what_is_served():
    endpoint = {"pushed": True, "name": "tips", "namespace": "ml", "percent": 0, "checks": [1]}
    happened = run(outcome=Outcome.SUCCEEDED, causes=(), left=Left(endpoint=endpoint))
    event = json.loads(message("cloudevent", happened).body)
    assert event["type"] == "io.kanaria.run.succeeded"
    assert event["data"]["endpoint"] == {"namespace": "ml", "name": "tips", "percent": 0}


def test_a_message_arrives_as_it_was_made(receiver: Receiver):
    to = webhook_post.receiver(f"{receiver.url}/hook", "", {})
    assert to is not None
    assert webhook_post.post(to, message("cloudevent")) == f"{receiver.url} was notified"
    ((headers, body),) = receiver.got
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "authorization" not in headers
    assert json.loads(body)["id"] == "r-1"


@pytest.mark.parametrize(
    ("answers", "tries", "outcome_text"),
    [
        ([503, 200], 2, "was notified"),
        ([429, 503, 202], 3, "was notified"),
        ([503], 3, "was not notified: it answered 503"),
        ([400], 1, "was not notified: it answered 400"),
        ([302], 1, "was not notified: it answered 302"),
        ([401], 1, "it answered 401; a token of KANARIA_NOTIFY_TOKEN is sent to the server of"),
    ],
)
def test_what_may_pass_is_tried_thrice(
    receiver: Receiver, answers: list[int], tries: int, outcome_text: str
):
    receiver.answers = answers
    to = webhook_post.receiver(receiver.url, "", {})
    assert to is not None
    assert outcome_text in webhook_post.post(to, MESSAGE)
    assert len(receiver.got) == tries


def test_a_receiver_that_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    import socket

    monkeypatch.setattr(webhook_post, "TIMEOUT", 0.2)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        to = webhook_post.receiver(url, "", {})
        assert to is not None
        assert webhook_post.post(to, MESSAGE) == f"{url} was not notified: no answer within 0.2 s"


def test_no_secret_of_a_url_or_token_is_said_or_logged(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
):
    logging.getLogger("httpx").setLevel(logging.INFO)  # As kfp's executor leaves it.
    caplog.set_level(logging.INFO)
    environment = {"KANARIA_NOTIFY_URL": f"{receiver.url}/{SECRET}?key={SECRET}"}
    environment["KANARIA_NOTIFY_TOKEN"] = SECRET
    to = webhook_post.receiver("", "", environment)
    assert to is not None
    texts = [webhook_post.post(to, MESSAGE)]
    receiver.http.server_close()
    receiver.answers = [500]
    texts.append(webhook_post.post(to, MESSAGE))
    assert receiver.got[0][0]["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in " ".join(texts) + caplog.text


def test_the_token_goes_to_the_administrators_server_alone(receiver: Receiver):
    environment = {"KANARIA_NOTIFY_TOKEN": SECRET, "KANARIA_NOTIFY_URL": f"{receiver.url}/hook"}
    own = webhook_post.receiver(f"{receiver.url}/other", "", environment)
    foreign = webhook_post.receiver("https://example.com/hook", "", environment)
    assert own and own.headers == {"authorization": f"Bearer {SECRET}"}
    assert foreign and foreign.headers == {}


def test_a_token_may_lie_in_a_mounted_file(tmp_path: Path):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    environment = {"KANARIA_NOTIFY_URL": "https://example.com/hook"}
    environment["KANARIA_NOTIFY_TOKEN_FILE"] = str(tmp_path / "token")
    to = webhook_post.receiver("", "", environment)
    assert to and to.headers == {"authorization": f"Bearer {SECRET}"}


def test_without_an_address_nobody_is_told():
    assert webhook_post.receiver("  ", "", {}) is None


@pytest.mark.parametrize(
    "url",
    [
        f"example.com/{SECRET}",
        f"ftp://example.com/{SECRET}",
        f"https:///{SECRET}",
        f"https://[{SECRET}",
        f"https://example.com:port/{SECRET}",
        f"https://user:{SECRET}@example.com/",
        f"https://example.com/ {SECRET}",
        f"https://example.com/\n{SECRET}",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_shown(url: str):
    with pytest.raises(ParameterError, match="notify_url: ") as refused:
        webhook_post.receiver(url, "", {})
    assert SECRET not in str(refused.value)


def test_all_faults_are_named_at_once():
    with pytest.raises(ParameterError, match=r"notify_format='teams'.*notify_url: no address"):
        webhook_post.receiver("nowhere", "teams", {})


@pytest.mark.parametrize("text", ["a\nb", "ü", "x" * 9_000, "a\x00b"])
def test_a_token_that_is_none_is_refused_without_being_shown(text: str, tmp_path: Path):
    (tmp_path / "token").write_text(text)
    environment = {"KANARIA_NOTIFY_URL": "https://example.com"}
    environment["KANARIA_NOTIFY_TOKEN_FILE"] = str(tmp_path / "token")
    with pytest.raises(ParameterError, match="KANARIA_NOTIFY_TOKEN_FILE: not a token") as refused:
        webhook_post.receiver("", "", environment)
    assert text not in str(refused.value)

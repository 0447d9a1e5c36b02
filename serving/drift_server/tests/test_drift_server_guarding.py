"""Who may ask a drift server, of the real process."""

import logging
import time

import httpx
import pytest
from event_sender import Server, headers

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving import drift_token as tokens
from kanaria.serving.drift_token import authorization, authorization_for, configured

TOKEN, OTHER = "first-0123456789abcdef", "other-0123456789abcdef"
BODY = b'{"instances": [1]}'
LABEL = b'{"request_id": "a", "label": 1}'
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    servers = []

    def start(*options):
        folder = tmp_path_factory.mktemp("server")
        server = Server(str(folder / "events.db"), folder, *options)
        server.start()
        server.wait()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "token"
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture(scope="module")
def closed(started, file):
    return started("--token-file", str(file))


@pytest.fixture(scope="module")
def opened(started):
    return started()


def bearer(token):
    return {"authorization": f"Bearer {token}".strip()}


REQUESTS = [
    ("POST", "/", headers("request", "a"), BODY),
    ("POST", "/labels", JSON, LABEL),
    ("GET", "/drift", {}, b""),
    ("GET", "/report", {}, b""),
    ("GET", "/metrics", {}, b""),
    ("GET", "/comparison", {}, b""),
    ("GET", "/nothing", {}, b""),
]


@pytest.mark.parametrize("presented", [{}, bearer(OTHER), bearer(""), {"authorization": TOKEN}])
def test_without_the_token_nothing_is_written_or_read(closed, presented):
    for method, path, head, body in REQUESTS:
        answer = httpx.request(method, closed.url + path, headers=head | presented, content=body)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer realm=")
        assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(presented)
        assert TOKEN not in answer.text


def test_with_the_token_all_is_as_without_one(closed, opened):
    for method, path, head, body in REQUESTS:
        with_token = httpx.request(
            method, closed.url + path, headers=head | bearer(TOKEN), content=body
        )
        without = httpx.request(method, opened.url + path, headers=head, content=body)
        assert with_token.status_code == without.status_code != 401
    metrics = httpx.get(f"{closed.url}/metrics", headers=bearer(TOKEN)).text
    assert 'kanaria_payload_refused_total{reason="token"}' in metrics
    assert TOKEN not in metrics + closed.log.read_text()
    assert "must present the token" in closed.log.read_text()


def test_health_is_told_without_a_token(closed):
    assert httpx.get(f"{closed.url}/v2/health/ready").status_code == 200


def test_a_token_that_is_replaced_counts_without_a_restart(closed, file):
    def code(token):
        return httpx.get(f"{closed.url}/drift", headers=bearer(token)).status_code

    def wait_until(token, expected):
        end = time.monotonic() + 20
        while code(token) != expected and time.monotonic() < end:
            time.sleep(0.1)
        assert code(token) == expected

    file.write_text(OTHER)
    wait_until(OTHER, 200)
    assert code(TOKEN) == 401
    file.write_text("")
    wait_until(OTHER, 401)
    assert code("") == 401
    file.write_text(TOKEN)
    wait_until(TOKEN, 200)


def test_events_may_come_without_a_token_where_their_sender_has_none(started, file):
    server = started("--token-file", str(file), "--events-without-token")
    codes = [
        httpx.request(method, server.url + path, headers=head, content=body).status_code
        for method, path, head, body in REQUESTS
    ]
    assert codes == [200] + [401] * (len(REQUESTS) - 1)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "a@b"])
def test_a_name_that_is_not_this_machines_is_refused_on_loopback(opened, host):
    for method, path, head, body in REQUESTS:
        answer = httpx.request(
            method, opened.url + path, headers=head | {"host": host}, content=body
        )
        assert (answer.status_code, "localhost" in answer.json()["error"]) == (403, True)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:81", "127.0.0.1:1", "[::1]:8", "127.9.9.9"]
)
def test_this_machines_names_are_taken(opened, host):
    assert httpx.get(f"{opened.url}/drift", headers={"host": host}).status_code == 200


def test_where_others_reach_the_server_it_has_any_name(started):
    server = started("--host", "0.0.0.0")
    answer = httpx.get(f"{server.url}/drift", headers={"host": "kanaria-drift.team"})
    assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_site_changes_nothing(opened, origin):
    for method, path, head, body in REQUESTS[:2]:
        answer = httpx.request(
            method, opened.url + path, headers=head | {"origin": origin}, content=body
        )
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; a=application/json",
        "text/plain;application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "",
        None,
    ],
)
def test_labels_of_a_type_that_any_page_may_send_are_refused(opened, content_type):
    head = {} if content_type is None else {"content-type": content_type}
    answer = httpx.post(f"{opened.url}/labels", headers=head, content=LABEL)
    assert (answer.status_code, "application/json" in answer.json()["error"]) == (415, True)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_labels_of_their_own_types_are_taken(opened, content_type):
    answer = httpx.post(
        f"{opened.url}/labels", headers={"content-type": content_type}, content=LABEL
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("text", ["", "short", "spaces in a text that is long", "é" * 20])
def test_what_is_no_token_is_refused_without_being_shown(tmp_path, text):
    (tmp_path / "token").write_text(text)
    for path, environment in ((str(tmp_path / "token"), {}), ("", {tokens.TOKEN: text})):
        with pytest.raises(ParameterError, match="openssl rand") as raised:
            configured(path, environment)
        assert not text or text not in str(raised.value)
    with pytest.raises(ParameterError, match="No such file"):
        configured(str(tmp_path / "none"), {})
    assert configured("", {}) is None


def test_a_client_presents_the_token_of_its_environment_to_that_server_alone(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    presented = {"Authorization": f"Bearer {TOKEN}"}
    here = {tokens.SERVER: "http://drift:80", tokens.TOKEN: TOKEN}
    assert authorization_for("http://drift:80/", here) == presented
    for url in ("http://drift", "https://drift:80", "http://drift:80@evil", "http://evil:80/"):
        assert authorization_for(url, here) == {}
    assert authorization_for("http://drift:80", {tokens.TOKEN: TOKEN}) == {}
    assert authorization({tokens.TOKEN_FILE: str(tmp_path / "token")}) == presented
    assert authorization({}) == {}
    with pytest.raises(DataError, match="none: No such file"):
        authorization({tokens.TOKEN_FILE: str(tmp_path / "none")})


def test_a_file_that_holds_no_token_any_more_is_told_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tokens, "LOOK_SECONDS", 0)
    file = tmp_path / "token"
    file.write_text(TOKEN)
    token = configured(str(file), {})
    assert token.admits(f"bearer {TOKEN}")
    file.unlink()
    with caplog.at_level(logging.ERROR):
        assert [token.admits(f"Bearer {TOKEN}") for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1

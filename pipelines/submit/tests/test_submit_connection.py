import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kfp_contract import Contract

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.submit import connection
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.schedule import all_schedules
from kanaria.pipelines.submit.submit_pipeline import submit


def test_a_refused_identity_is_one_line_with_the_remedy_and_is_not_asked_again(
    contract: Contract, capsys: pytest.CaptureFixture[str]
):
    contract.token = "right"
    with pytest.raises(ParameterError, match=r"401 Request header error.*set KFP_EXISTING_TOKEN"):
        all_schedules(Server(contract.url))
    assert contract.requests == ["GET healthz"]
    assert capsys.readouterr() == ("", "")


def test_a_token_file_is_read_anew_for_every_request(contract: Contract, tmp_path: Path):
    file = tmp_path / "token"
    server = Server(contract.url, token_file=str(file))
    for token in ("first", "second"):
        contract.token = token
        file.write_text(f"{token}\n")
        assert all_schedules(server) == []


def test_a_token_of_the_environment_is_sent(contract: Contract, monkeypatch: pytest.MonkeyPatch):
    contract.token = "right"
    monkeypatch.setenv("KFP_EXISTING_TOKEN", "right")
    assert all_schedules(Server(contract.url)) == []


def test_the_token_mounted_in_a_pod_is_used_with_an_address_too(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    contract.token = "mounted"
    (tmp_path / "token").write_text("mounted")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    assert all_schedules(Server(contract.url)) == []


def test_a_wrong_token_shows_in_no_message(contract: Contract, monkeypatch: pytest.MonkeyPatch):
    contract.token = "right"
    monkeypatch.setenv("KFP_EXISTING_TOKEN", "a-secret")
    with pytest.raises(ParameterError) as raised:
        all_schedules(Server(contract.url))
    assert "a-secret" not in str(raised.value)


def test_a_missing_token_file_is_named(contract: Contract):
    with pytest.raises(ParameterError, match="token_file='absent': no such file"):
        all_schedules(Server(contract.url, token_file="absent"))


def test_an_unreachable_host_is_one_line():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NotReadyError) as raised:
        all_schedules(Server(f"http://127.0.0.1:{port}"))
    assert "does not answer" in str(raised.value)
    assert "Connection refused" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = Server(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(NotReadyError, match="does not answer"):
            connection.connect(server.host, "")


class LoginPage(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b"<html>Please log in</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer  # noqa: N815


@pytest.fixture
def login_page() -> Iterator[str]:
    http = HTTPServer(("127.0.0.1", 0), LoginPage)
    thread = Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_login_page_is_told_from_the_server(
    login_page: str, pipeline: str, arguments: dict[str, Any], root: str
):
    with pytest.raises(NotReadyError, match=r"none of Kubeflow Pipelines; .* a login page"):
        submit(pipeline, arguments, server=Server(login_page), pipeline_root=root)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("kfp.example.com", "https://kfp.example.com"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://example.com/pipeline/", "https://example.com/pipeline"),
    ],
)
def test_an_address_becomes_a_url(host: str, url: str):
    assert connection.address(host) == url


def test_the_address_comes_from_kfps_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "https://kfp.example.com")
    assert connection.address("") == "https://kfp.example.com"
    assert connection.address("http://other") == "http://other"


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("", "host is missing; give the address of Kubeflow Pipelines with --host"),
        ("ftp://kfp", "give an address as https://kfp.example.com"),
        ("https://", "give an address as https://kfp.example.com"),
        ("https://me:secret@kfp", "leave the password out"),
    ],
)
def test_what_is_no_address_is_refused(host: str, fault: str):
    with pytest.raises(ParameterError, match=fault) as raised:
        connection.address(host)
    assert "secret" not in str(raised.value)

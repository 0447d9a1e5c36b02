"""Servers that are started for their users: when they begin, and that nothing is left of them."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from local_server import until

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.local.background_server import BackgroundServer, prestarted, served
from kanaria.serving.local.state import state_folder


def test_a_server_comes_up_beside_a_block_and_ends_with_it(tmp_path):
    with prestarted(tmp_path):
        url = until(lambda: state_folder.live_url(tmp_path))
        with closing(BackgroundServer(tmp_path)) as server:
            assert server.url() == url
        assert state_folder.live_url(tmp_path) == url
    assert not state_folder.live_url(tmp_path)


def test_a_server_outlives_the_user_that_started_it_until_the_last_one_ends(tmp_path):
    first, second = BackgroundServer(tmp_path), BackgroundServer(tmp_path)
    url = first.url()
    assert second.url() == url
    first.close()
    assert state_folder.live_url(tmp_path) == url
    second.close()
    until(lambda: not state_folder.live_url(tmp_path))


def test_a_server_that_was_there_before_is_left_as_it_is(tmp_path):
    with served(tmp_path) as url:
        with prestarted(tmp_path):
            pass
        assert state_folder.live_url(tmp_path) == url


def test_of_two_that_start_a_server_at_once_one_does(tmp_path):
    with prestarted(tmp_path), prestarted(tmp_path):
        until(lambda: state_folder.live_url(tmp_path))
    lines = (tmp_path / state_folder.SERVER_LOG).read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["serving", "stopped"]


def test_a_server_ends_when_the_process_of_its_only_block_is_killed(tmp_path):
    code = f"""
import time
from pathlib import Path
from kanaria.serving.local.background_server import prestarted
with prestarted(Path({str(tmp_path)!r})):
    time.sleep(60)
"""
    run = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: state_folder.live_url(tmp_path))
    run.kill()
    run.wait()
    until(lambda: not state_folder.live_url(tmp_path))


def test_a_process_that_was_forked_from_a_user_keeps_no_server(tmp_path):
    code = f"""
import os, time
from pathlib import Path
from kanaria.serving.local.background_server import BackgroundServer
server = BackgroundServer(Path({str(tmp_path)!r}))
server.url()
if os.fork():
    os._exit(0)
time.sleep(600)
"""
    user = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    until(lambda: state_folder.live_url(tmp_path))
    user.wait()
    until(lambda: not state_folder.live_url(tmp_path))
    os.killpg(user.pid, signal.SIGKILL)


def test_a_block_runs_where_no_server_can_start(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with prestarted(path):
        ran = True
    assert ran


def test_why_a_server_does_not_start_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("KANARIA_SERVING_MAX_BODY_MIB", "none")
    with (
        closing(BackgroundServer(tmp_path)) as server,
        pytest.raises(NotReadyError, match="KANARIA_SERVING_MAX_BODY_MIB"),
    ):
        server.url()

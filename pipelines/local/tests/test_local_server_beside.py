"""A run that pushes finds a server that has begun to start with it, and leaves none behind."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from test_local_run import task
from toy_runner import Runner, compiled

from kanaria.components.shared.step_images import CONTROL_IMAGE
from kanaria.serving.local.state import state_folder


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def push_model(seconds: int) -> str:
    """Starts no server; says where one answers, when it does in time."""
    import os
    import time
    from pathlib import Path

    from kanaria.serving.local.state import state_folder

    state, deadline = Path(os.environ["KANARIA_SERVING_ROOT"]), time.monotonic() + seconds
    while not state_folder.live_url(state) and time.monotonic() < deadline:
        time.sleep(0.05)
    return state_folder.live_url(state)


@dsl.pipeline(name="pushing")
def pushing() -> None:
    push_model(seconds=60)


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KANARIA_SERVING_ROOT", raising=False)


def test_a_server_starts_with_a_run_that_pushes_and_ends_with_it(runner: Runner, tmp_path: Path):
    record = runner.run(compiled(pushing, tmp_path))
    assert task(record, "push-model").parameters["Output"].startswith("http://127.0.0.1:")
    assert not state_folder.live_url(runner.root.serving)


def test_no_server_starts_with_a_run_that_does_not_push(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    runner.run(toy_document, text_file=str(text_file))
    assert not runner.root.serving.exists()

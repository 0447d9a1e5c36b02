from collections.abc import Iterator
from pathlib import Path

import kfp_server
import pytest
from kfp_user import Kfp

from kanaria.pipelines.submit import submit


@pytest.fixture
def kfp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Kfp]:
    monkeypatch.setattr(submit, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("HOME", str(tmp_path))  # kfp's client keeps a context there.
    for name in ("KF_PIPELINES_ENDPOINT", "KANARIA_KFP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "module.py").write_text("def run_fn(fn_args): ...\n")
    (tmp_path / "eval.pbtxt").write_text("model_specs {}\n")
    with kfp_server.running() as (url, state):
        yield Kfp(url, state, tmp_path, capsys)

"""What is not run here says so on one line, and what to do."""

import sys
from pathlib import Path

import pytest

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks.load_model import load
from kanaria.components.shared.frameworks.model_files import locate


def test_lightgbm_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.bst").write_text("tree\nversion=v4\n")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(DataError, match=r"package lightgbm is not installed here; install it") as e:
        load(locate(tmp_path))
    assert "\n" not in str(e.value)


def test_torchscript_is_run_by_triton_alone(tmp_path: Path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1/model.pt").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"model\.pt: TorchScript is .*export the model to ONNX"):
        load(locate(tmp_path))

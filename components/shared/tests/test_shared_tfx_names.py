import importlib
import sys
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct

from kanaria.components.shared import tfx_names


@pytest.fixture(autouse=True)
def no_tfx(monkeypatch: pytest.MonkeyPatch):
    """Start without any TFX names, and leave none behind."""
    for name in [name for name in sys.modules if name.split(".")[0] == "tfx"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "tfx"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "statement",
    [
        "from tfx import v1 as tfx; tfx.components.FnArgs, tfx.components.DataAccessor",
        "import tfx.v1 as tfx; tfx.utils.parse_pbtxt_file",
        "from tfx.components.trainer import fn_args_utils; fn_args_utils.FnArgs",
        "from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs",
        "from tfx.utils import io_utils; io_utils.parse_pbtxt_file",
    ],
)
def test_the_imports_that_tfx_modules_use_resolve(statement: str):
    tfx_names.install()
    exec(statement)


def test_a_real_tfx_is_never_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "tfx").mkdir()
    (tmp_path / "tfx/__init__.py").write_text("v1 = 'the real one'")
    monkeypatch.syspath_prepend(tmp_path)
    tfx_names.install()
    assert importlib.import_module("tfx").v1 == "the real one"


def test_a_text_proto_fills_a_message(tmp_path: Path):
    (tmp_path / "a.pbtxt").write_text('fields { key: "a" value { number_value: 1 } }')
    assert tfx_names.parse_pbtxt_file(str(tmp_path / "a.pbtxt"), Struct())["a"] == 1

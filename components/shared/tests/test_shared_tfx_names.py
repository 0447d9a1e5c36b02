import importlib
import sys
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct

from kanaria.components.shared import tfx_names
from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.tfx_names import (
    fileio,
    finder,
    io_utils,
    missing_names,
    rewriting,
    supported_names,
)
from kanaria.components.shared.user_code import module_closure, user_module


@pytest.fixture(autouse=True)
def no_tfx():
    """Start without any TFX names, and leave none behind."""

    def forget() -> None:
        finder.FINDER.serve(None)
        if finder.FINDER in sys.meta_path:
            sys.meta_path.remove(finder.FINDER)
        for name in [name for name in sys.modules if name.split(".")[0] == "tfx"]:
            del sys.modules[name]

    forget()
    yield
    forget()


def module(folder: Path, text: str, name: str = "module.py") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def failure(module_file: str, function: str = "run_fn") -> str:
    with pytest.raises(UserCodeError) as caught:
        user_module.function(module_file, function)
    return str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "from tfx import v1 as tfx; tfx.components.FnArgs, tfx.components.DataAccessor",
        "from tfx import v1 as tfx; tfx.components.TunerFnResult(tuner=1, fit_kwargs={}).tuner",
        "from tfx import v1 as tfx; tfx.dsl.io.fileio.exists('/')",
        "import tfx.v1 as tfx; tfx.utils.parse_pbtxt_file",
        "import tfx; tfx.components.FnArgs, tfx.dsl.io.fileio.open, tfx.v1.components.FnArgs",
        "import tfx.components.trainer.fn_args_utils; tfx.components.trainer.fn_args_utils.FnArgs",
        "from tfx.components.trainer import fn_args_utils; fn_args_utils.FnArgs",
        "from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs",
        "from tfx.components.trainer.executor import TrainerFnArgs",
        "from tfx.components.trainer.rewriting import converters, rewriter, rewriter_factory",
        "from tfx.components.transform import stats_options_util; stats_options_util.StatsType",
        "from tfx.components.tuner.component import TunerFnResult",
        "from tfx.dsl.io import fileio; fileio.NotFoundError",
        "from tfx.utils import io_utils; io_utils.parse_pbtxt_file, io_utils.SchemaReader",
    ],
)
def test_the_imports_that_tfx_modules_use_resolve(statement: str):
    tfx_names.install()
    exec(statement, {})


def test_every_name_of_the_table_is_imported_from_its_module():
    tfx_names.install()
    for package, names in supported_names.NAMES.items():
        for name, value in names.items():
            scope: dict = {}
            exec(f"from {package} import {name} as found", scope)
            assert scope["found"] is value


def test_a_real_tfx_is_never_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module(tmp_path / "tfx", "v1 = 'the real one'", "__init__.py")
    monkeypatch.syspath_prepend(tmp_path)
    tfx_names.install()
    assert importlib.import_module("tfx").v1 == "the real one"


def test_a_folder_of_the_name_is_no_tfx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "tfx").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    tfx_names.install()
    assert importlib.import_module("tfx.v1").components.FnArgs is tfx_names.FnArgs


def test_names_that_are_not_here_are_all_told_at_import_with_line_and_remedy(tmp_path: Path):
    text = """import os
from tfx.components import CsvExampleGen, FnArgs, Pusher
from tfx.orchestration import metadata
import tfx.proto.trainer_pb2
def run_fn(fn_args): pass
"""
    said = failure(module(tmp_path, text))
    for line, name in [
        (2, "tfx.components.CsvExampleGen"),
        (3, "tfx.orchestration"),
        (4, "tfx.proto"),
    ]:
        assert f"module.py:{line}: {name}: Kanaria has no such name of TFX; keep pipelines" in said
    assert "\n" not in said


def test_a_name_is_missed_before_the_function_is_called(tmp_path: Path):
    """The end of a training is no time to learn of it."""
    text = """from tfx import v1 as tfx
from tfx.components.trainer.rewriting import rewriter_factory
def save(fn_args):
    from tfx.types import standard_artifacts
    rewriter_factory.create_rewriter(rewriter_factory.TFJS_REWRITER, name="js")
def run_fn(fn_args: tfx.components.FnArgs):
    tfx.dsl.io.fileio.makedirs(fn_args.serving_model_dir)
    save(fn_args)
def preprocessing_fn(inputs):
    return inputs
def create_pipeline():
    return tfx.orchestration.LocalDagRunner()
"""
    said = failure(module(tmp_path, text))
    assert "module.py:4: tfx.types: " in said
    assert "module.py:5: tfx.components.trainer.rewriting.rewriter_factory.TFJS_REWRITER: " in said
    assert "models are SavedModels here" in said
    assert "LocalDagRunner" not in said
    assert user_module.function(str(tmp_path / "module.py"), "preprocessing_fn")


def test_names_of_annotations_and_decorators_are_told_at_import(tmp_path: Path):
    text = """from tfx import v1 as tfx
@tfx.dsl.components.component
def generate(): pass
def run_fn(fn_args: tfx.types.BaseChannel): pass
"""
    faults = missing_names.import_faults(text.encode())
    assert [(line, fault.partition(":")[0]) for line, fault in faults] == [
        (2, "tfx.v1.dsl.components"),
        (4, "tfx.v1.types"),
    ]
    assert "tfx.v1.dsl.components: Kanaria has no such" in failure(module(tmp_path, text))


@pytest.mark.parametrize(
    "body",
    [
        "    try:\n        from tfx.types import Channel\n    except ImportError:\n        pass",
        "    io = {}\n    io.setdefault('a', 1)",
        "    def inner(io: 'dict', other: io.Missing):\n        return io.keys()",
        "    channel: tfx.types.Channel = None",
    ],
)
def test_what_would_not_fail_is_not_refused(tmp_path: Path, body: str):
    text = f"""from __future__ import annotations
from typing import TYPE_CHECKING
from tfx import v1 as tfx
from tfx.dsl import io
if TYPE_CHECKING:
    from tfx.types import Channel
def run_fn(fn_args: tfx.types.FnArgs):
{body}
    return 7
"""
    assert user_module.function(module(tmp_path, text), "run_fn")(None) == 7
    assert missing_names.import_faults(text.encode()) == []


def test_what_a_module_will_miss_is_told_before_anything_runs(tmp_path: Path):
    """The local runner asks for the closure first, which imports nothing."""
    text = """from tfx import v1 as tfx
from tfx.components import FnArgs, Pusher
from tfx.examples.wine import wine_base
def run_fn(fn_args): tfx.orchestration.LocalDagRunner()
def create_pipeline(): tfx.proto.TrainArgs()
"""
    with pytest.raises(UserCodeError) as caught:
        module_closure.of_file(Path(module(tmp_path, text)), whole=True)
    said = str(caught.value)
    for line, name in [
        (2, "tfx.components.Pusher"),
        (3, "tfx.examples.wine.wine_base"),
        (4, "tfx.v1.orchestration"),
    ]:
        assert f"module.py:{line}: {name}: " in said
    assert "tfx.components.FnArgs" not in said
    assert "tfx.v1.proto" not in said


def test_a_module_may_go_without_a_name_that_is_not_here(tmp_path: Path):
    text = """try:
    from tfx.types import standard_artifacts
except ImportError:
    standard_artifacts = None
def run_fn(fn_args): return standard_artifacts
"""
    assert user_module.function(module(tmp_path, text), "run_fn")(None) is None


def test_a_module_of_an_example_finds_its_other_file_beside_it(tmp_path: Path):
    module(tmp_path, "RATE = 7", "wine_base.py")
    text = "from tfx.examples.wine import wine_base as base\ndef run_fn(fn_args): return base.RATE"
    assert user_module.function(module(tmp_path, text), "run_fn")(None) == 7


def test_two_modules_find_each_its_own_other_file(tmp_path: Path):
    text = "from tfx.examples.wine import wine_base as base\ndef run_fn(fn_args): return base.RATE"
    for rate in (1, 2):
        module(tmp_path / str(rate), f"RATE = {rate}", "wine_base.py")
        path = module(tmp_path / str(rate), text + f"  # {rate}")
        assert user_module.function(path, "run_fn")(None) == rate


def test_an_example_without_its_other_file_says_where_to_put_it(tmp_path: Path):
    said = failure(module(tmp_path, "from tfx.examples.wine import wine_base"))
    assert "module.py:1: tfx.examples.wine.wine_base: " in said
    assert "put the file beside the module" in said


def test_a_text_proto_fills_a_message_and_is_written(tmp_path: Path):
    (tmp_path / "a.pbtxt").write_text('fields { key: "a" value { number_value: 1 } }')
    message = io_utils.parse_pbtxt_file(str(tmp_path / "a.pbtxt"), Struct())
    assert message["a"] == 1
    io_utils.write_pbtxt_file(str(tmp_path / "below/b.pbtxt"), message)
    assert io_utils.parse_pbtxt_file(str(tmp_path / "below/b.pbtxt"), Struct()) == message


def test_a_folder_is_worked_with_as_tfx_modules_do(tmp_path: Path):
    root = str(tmp_path / "a" / "b")
    fileio.makedirs(root)
    fileio.makedirs(root)
    with fileio.open(f"{root}/one", "w") as file:
        file.write("text")
    fileio.copy(f"{root}/one", f"{root}/two")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        fileio.rename(f"{root}/one", f"{root}/two")
    fileio.rename(f"{root}/one", f"{root}/two", overwrite=True)
    assert fileio.listdir(root) == ["two"]
    assert fileio.glob(f"{root}/*") == [f"{root}/two"]
    assert [files for _, _, files in fileio.walk(root)] == [["two"]]
    assert fileio.stat(f"{root}/two").st_size == 4
    fileio.rmtree(root)
    assert not fileio.exists(root)
    with pytest.raises(fileio.NotFoundError):
        fileio.open(f"{root}/two")


def test_only_tflite_is_rewritten():
    with pytest.raises(ValueError, match="only 'TFLiteRewriter'"):
        rewriting.create_rewriter("TFJSRewriter", name="js")

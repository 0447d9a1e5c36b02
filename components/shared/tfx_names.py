"""The TFX names that user modules import, for a machine where TFX is not installed.

`from tfx import v1 as tfx`, `tfx.components.FnArgs`, `tfx.components.DataAccessor` and
`tfx.components.trainer.fn_args_utils` resolve to the classes below; `tfx.utils.parse_pbtxt_file`
(also in `tfx.utils.io_utils`) to a function. A real TFX is never hidden.
"""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(kw_only=True, slots=True)
class DataAccessor:
    """How a `run_fn` reads its files.

    Attributes:
        tf_dataset_factory: (file_pattern, tfxio.TensorFlowDatasetOptions, schema) ->
            tf.data.Dataset of feature name -> tensor, or of (features, label).
        record_batch_factory: (file_pattern, tfxio.RecordBatchesOptions, schema) ->
            iterator of pyarrow.RecordBatch.
        data_view_decode_fn: always None; kept because TFX modules may look at it.
    """

    tf_dataset_factory: Callable[..., Any]
    record_batch_factory: Callable[..., Any]
    data_view_decode_fn: Callable[..., Any] | None = None


@dataclass(kw_only=True, slots=True)
class FnArgs:
    """What TFX's Trainer hands to `run_fn`, with the same names.

    Attributes:
        working_dir: scratch folder of this step.
        train_files: file patterns of the train split.
        eval_files: file patterns of the eval split.
        train_steps: training steps, or None for no limit.
        eval_steps: evaluation steps, or None for no limit.
        schema_path: path of the schema text proto.
        schema_file: the same path under its older name.
        transform_graph_path: folder that `tft.TFTransformOutput` loads.
        transform_output: the same folder under its older name.
        data_accessor: reads the files as tensors or record batches.
        serving_model_dir: folder that `run_fn` must save the model to.
        eval_model_dir: folder for a separate evaluation model; not used further.
        model_run_dir: folder for logs, for instance TensorBoard's.
        base_model: folder of a model to start from, or None.
        hyperparameters: plain values, empty when none were given.
        custom_config: plain values, empty when none were given.
    """

    working_dir: str
    train_files: list[str]
    eval_files: list[str]
    train_steps: int | None
    eval_steps: int | None
    schema_path: str
    schema_file: str
    transform_graph_path: str
    transform_output: str
    data_accessor: DataAccessor
    serving_model_dir: str
    eval_model_dir: str
    model_run_dir: str
    base_model: str | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    custom_config: dict[str, Any] = field(default_factory=dict)


def parse_pbtxt_file(file_name: str, message: Any) -> Any:
    """Fill `message`, a protocol buffer, from the text proto at `file_name` and return it."""
    from google.protobuf import text_format

    return text_format.Parse(Path(file_name).read_text(encoding="utf-8"), message)


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name, f"Kanaria's stand-in for {name}.")
    module.__path__ = []
    vars(module).update(members)
    sys.modules[name] = module
    return module


def install() -> None:
    """Make the TFX names importable unless TFX itself is, or they are already there."""
    if "tfx" in sys.modules or importlib.util.find_spec("tfx") is not None:
        return
    names = {"FnArgs": FnArgs, "DataAccessor": DataAccessor}
    utils = _module("tfx.components.trainer.fn_args_utils", **names)
    trainer = _module("tfx.components.trainer", fn_args_utils=utils)
    components = _module("tfx.components", trainer=trainer, **names)
    parse = {"parse_pbtxt_file": parse_pbtxt_file}
    v1 = _module(
        "tfx.v1",
        components=_module("tfx.v1.components", **names),
        utils=_module("tfx.v1.utils", **parse),
    )
    utilities = _module("tfx.utils", io_utils=_module("tfx.utils.io_utils", **parse))
    _module("tfx", v1=v1, components=components, utils=utilities)

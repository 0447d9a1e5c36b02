"""What user functions take and return: TFX's FnArgs, DataAccessor, TunerFnResult, StatsType."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


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


@dataclass(kw_only=True)  # Without slots: a module may hang things of its own on it.
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


class TunerFnResult(NamedTuple):
    """What a `tuner_fn` returns.

    Attributes:
        tuner: a KerasTuner tuner.
        fit_kwargs: what its search is given.
    """

    tuner: Any
    fit_kwargs: dict[str, Any]


class StatsType(enum.Enum):
    """Which statistics a `stats_options_updater_fn` is asked about; it is never called."""

    UNKNOWN = 0
    PRE_TRANSFORM = 1
    POST_TRANSFORM = 2

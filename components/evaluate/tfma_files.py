"""Writes the files that `tfma.load_eval_result` and `tfma.load_validation_result` read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.evaluate.derived_metrics import Evaluated
from kanaria.components.evaluate.model_signature import LoadedModel
from kanaria.components.evaluate.private_tfma import results_writer, serialized_run, tfma


def write(evaluated: Evaluated, config: Any, models: Sequence[LoadedModel], folder: Path) -> None:
    """Write metrics, plots, attributions, validations and the config, as TFMA's writers do.

    Args:
        evaluated: what was evaluated.
        config: the `tfma.EvalConfig` it was evaluated by.
        models: the candidate, then the baseline if there is one.
        folder: existing folder.
    """
    shard = "{}-00000-of-00001.tfrecord"
    converted = {
        tfma.METRICS_KEY: [
            results_writer.convert_slice_metrics_to_proto(item, [])
            for item in evaluated.metrics.items()
        ],
        tfma.PLOTS_KEY: [
            results_writer.convert_slice_plots_to_proto(item, [])
            for item in evaluated.plots.items()
        ],
        tfma.ATTRIBUTIONS_KEY: [
            results_writer.convert_slice_attributions_to_proto(item)
            for item in evaluated.attributions.items()
        ],
    }
    for name, protos in converted.items():
        _records(folder / shard.format(name), protos)
    alone = len(models) == 1
    combiner = results_writer.CombineValidations(config, rubber_stamp=alone)
    verdict = combiner.create_accumulator()
    for each in evaluated.validations:
        verdict = combiner.add_input(verdict, each)
    _records(folder / f"{tfma.VALIDATIONS_KEY}.tfrecord", [combiner.extract_output(verdict)])
    folders = {model.name: str(model.folder) for model in models}
    run = serialized_run(config, "<user provided PCollection>", "<unknown>", folders)
    (folder / "eval_config.json").write_text(run + "\n", encoding="utf-8")


def _records(path: Path, protos: Sequence[Any]) -> None:
    with tf.io.TFRecordWriter(str(path)) as file:
        for proto in protos:
            file.write(proto.SerializeToString(deterministic=True))

"""TFX's own pipeline over taxi trips, run by its LocalDagRunner; TFX's environment runs this file.

Usage: tfx_pipeline.py DATA_FOLDER MODULE EVAL_CONFIG ROOT

It does what `train_and_deploy` does up to the pushed release: no component of it serves a model.
The seconds of the imports and of each component go to ROOT/seconds.json.
"""

import json
import os
import sys
import time
from pathlib import Path

STARTED = time.monotonic()
# TFX 1.16 trains with the Keras that TFT brings; its users set this before anything else.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow_model_analysis as tfma  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tfx import v1 as tfx  # noqa: E402
from tfx.orchestration.portable import launcher  # noqa: E402

IMPORTED = time.monotonic()
STEPS = 1_000
EVAL_STEPS = 100


def components(data: str, module: str, eval_config: str, release: str) -> list:
    """Return the components in the order they run."""
    dsl, kinds = tfx.dsl, tfx.components
    examples = kinds.CsvExampleGen(input_base=data)
    statistics = kinds.StatisticsGen(examples=examples.outputs["examples"])
    schema = kinds.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
    validator = kinds.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = kinds.Transform(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=module
    )
    trainer = kinds.Trainer(
        module_file=module,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=STEPS),
        eval_args=tfx.proto.EvalArgs(num_steps=EVAL_STEPS),
    )
    baseline = dsl.Resolver(
        strategy_class=dsl.experimental.LatestBlessedModelStrategy,
        model=dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("baseline")
    evaluator = kinds.Evaluator(
        examples=examples.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        eval_config=text_format.Parse(Path(eval_config).read_text(), tfma.EvalConfig()),
    )
    pusher = kinds.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=release)
        ),
    )
    return [
        examples, statistics, schema, validator, transform, trainer, baseline, evaluator, pusher,
    ]  # fmt: skip


def timed_launches() -> dict:
    """Let every launch of a component leave its seconds in the returned dict."""
    seconds, launch = {}, launcher.Launcher.launch

    def timed(self: launcher.Launcher) -> object:
        began = time.monotonic()
        result = launch(self)
        seconds[self._pipeline_node.node_info.id] = round(time.monotonic() - began, 2)
        return result

    launcher.Launcher.launch = timed
    return seconds


def main(data: str, module: str, eval_config: str, root: str) -> None:
    """Run the pipeline below `root`; a model that was not pushed is an error."""
    folder = Path(root)
    seconds = timed_launches()
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="taxi",
        pipeline_root=str(folder / "pipeline"),
        components=components(data, module, eval_config, str(folder / "release")),
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.db")
        ),
        enable_cache=False,
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)
    if not list((folder / "release").glob("*/saved_model.pb")):
        raise SystemExit("TFX pushed no model")
    seconds_of_steps = {"import": round(IMPORTED - STARTED, 2), **seconds}
    (folder / "seconds.json").write_text(json.dumps(seconds_of_steps))


if __name__ == "__main__":
    main(*sys.argv[1:])

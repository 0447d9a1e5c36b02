"""The KFP interface of train_model."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model(
    examples: dsl.Input[dsl.Dataset],
    schema: dsl.Input[dsl.Artifact],
    transform_graph: dsl.Input[dsl.Artifact],
    transformed_examples: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    model_run: dsl.Output[dsl.Artifact],
    serving_samples: dsl.Output[dsl.Artifact],
    module_file: str,
    run_fn: str = "run_fn",
    train_steps: int = 0,
    eval_steps: int = 0,
    hyperparameters: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    custom_config: dict = {},  # noqa: B006
    seed: int = 0,
    precision: str = "float32",
    base_model: str = "",
    verify_key: str = "",
    model_run_dir: str = "",
    compute: dict = {},  # noqa: B006
) -> None:
    """Train with the user's run_fn, as TFX's Trainer does, and check the exported model.

    Args:
        examples: Raw examples with splits "train" and "eval".
        schema: Folder with schema.pbtxt of the raw features.
        transform_graph: What tft.TFTransformOutput loads.
        transformed_examples: Transformed examples; training reads them when they hold rows.
        module_file: Path of the user's .py file, or an importable module name.
        run_fn: Name of the function in it, called with TFX's FnArgs.
        train_steps: Training steps, 0 for no limit.
        eval_steps: Evaluation steps, 0 for no limit.
        hyperparameters: Handed to run_fn as fn_args.hyperparameters.
        custom_config: Handed to run_fn as fn_args.custom_config.
        seed: Seed of Python, numpy and TensorFlow; the same seed gives the same model on CPU.
        precision: Keras's policy for run_fn: float32, or mixed_float16 or mixed_bfloat16 to train
            faster on a GPU that has units for it.
        base_model: URI of the release to start from, as resolve_deployed gives it; run_fn finds
            its model at fn_args.base_model. Empty to start anew.
        verify_key: Text of the public key that the release must be signed for, as resolve_deployed
            gives it; empty for KANARIA_VERIFY_KEY, where it is set.
        model_run_dir: Path or bucket URI where logs and checkpoints outlive the step, so that a
            killed training is resumed; one training at a time. Empty for the model_run artifact.
        compute: {"training_workers": 2}: processes that train together, where run_fn makes its
            model under MultiWorkerMirroredStrategy; other keys are for other steps.

    Returns:
        model: SavedModel in the folder "1", or the file of another framework at the top;
            framework, fingerprint, signatures, device and precision in the metadata.
        model_run: What run_fn logged, for TensorBoard; with model_run_dir only its name.
        serving_samples: Signature, and up to 50 eval rows with the model's answers, for push_model.
    """
    from pathlib import Path

    from kanaria.components.shared.artifacts import serving_samples as samples
    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.train.lean_imports import train
    from kanaria.components.train.request import TrainRequest

    request = TrainRequest(
        examples=Path(examples.path),
        transformed_examples=Path(transformed_examples.path),
        schema=Path(schema.path),
        transform_graph=Path(transform_graph.path),
        module_file=module_file,
        run_fn=run_fn,
        train_steps=train_steps,
        eval_steps=eval_steps,
        hyperparameters=hyperparameters,
        custom_config=custom_config,
        seed=seed,
        precision=precision,
        base_model=base_model,
        verify_key=verify_key,
        model_run_dir=model_run_dir,
        compute=compute,
    )
    trained = train(request, Path(model.path), Path(model_run.path))
    samples.write(trained.samples, serving_samples.path)
    metadata = trained.metadata(request, examples.metadata)
    tell(metadata, model=model, model_run=model_run, serving_samples=serving_samples)

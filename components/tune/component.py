"""The KFP interfaces of tune_model and plan_katib_search."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def tune_model(
    examples: dsl.Input[dsl.Dataset],
    schema: dsl.Input[dsl.Artifact],
    transform_graph: dsl.Input[dsl.Artifact],
    transformed_examples: dsl.Input[dsl.Dataset],
    best_hyperparameters: dsl.Output[dsl.Artifact],
    tuner_results: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    module_file: str,
    tuner_fn: str = "tuner_fn",
    train_steps: int = 0,
    eval_steps: int = 0,
    custom_config: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    max_trials: int = 0,
    parallel_trials: int = 1,
    seed: int = 0,
    tuner_dir: str = "",
) -> NamedTuple("Outputs", [("hyperparameters", dict)]):  # type: ignore[valid-type]
    """Search hyperparameters with the user's tuner_fn, as TFX's Tuner does.

    Args:
        examples: Raw examples with splits "train" and "eval".
        schema: Folder with schema.pbtxt of the raw features.
        transform_graph: What tft.TFTransformOutput loads.
        transformed_examples: Transformed examples; trials read them when they hold rows.
        module_file: Path of the user's .py file, or an importable module name.
        tuner_fn: Name of the function in it, called with TFX's FnArgs.
        train_steps: Training steps that fn_args.train_steps says, 0 for no limit.
        eval_steps: Evaluation steps that fn_args.eval_steps says, 0 for no limit.
        custom_config: Handed to tuner_fn as fn_args.custom_config.
        max_trials: Most trials, 0 for as many as the tuner itself is made with.
        parallel_trials: Trials that run at once, each in a process of its own.
        seed: Seed of the search, and of every trial: they differ in hyperparameters alone.
        tuner_dir: Path or bucket URI where ended trials outlive the step, so that a killed search
            is resumed; one search at a time. Empty for none.

    Returns:
        best_hyperparameters: Folder with best_hyperparameters.txt, as TFX's Tuner writes it.
        tuner_results: Folder with tuner_results.json: objective, and every trial with its score.
        report: Trials, their scores, and how these follow from each hyperparameter.
        hyperparameters: The content of best_hyperparameters, for train_model.
    """
    from pathlib import Path

    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.tune.lean_imports import Targets, TuneRequest, tune

    request = TuneRequest(
        examples=Path(examples.path),
        transformed_examples=Path(transformed_examples.path),
        schema=Path(schema.path),
        transform_graph=Path(transform_graph.path),
        module_file=module_file,
        tuner_fn=tuner_fn,
        train_steps=train_steps,
        eval_steps=eval_steps,
        custom_config=custom_config,
        max_trials=max_trials,
        parallel_trials=parallel_trials,
        seed=seed,
        tuner_dir=tuner_dir,
    )
    paths = (Path(best_hyperparameters.path), Path(tuner_results.path), Path(report.path))
    tuned = tune(request, Targets(*paths))
    tell(
        tuned.metadata(),
        best_hyperparameters=best_hyperparameters,
        tuner_results=tuner_results,
        report=report,
    )
    return (tuned.hyperparameters,)


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def plan_katib_search(
    examples: dsl.Input[dsl.Dataset],
    schema: dsl.Input[dsl.Artifact],
    transform_graph: dsl.Input[dsl.Artifact],
    transformed_examples: dsl.Input[dsl.Dataset],
    experiment: dsl.Output[dsl.Artifact],
    module_file: str,
    tuner_fn: str = "tuner_fn",
    train_steps: int = 0,
    eval_steps: int = 0,
    custom_config: dict = {},  # noqa: B006
    algorithm: str = "",
    algorithm_settings: dict = {},  # noqa: B006
    max_trials: int = 0,
    parallel_trials: int = 1,
    max_failed_trials: int = 3,
    seed: int = 0,
    trial: dict = {},  # noqa: B006
) -> None:
    """Render the Experiment by which Katib searches what the user's tuner_fn would.

    Args:
        examples: Raw examples with splits "train" and "eval", in a bucket.
        schema: Folder with schema.pbtxt of the raw features.
        transform_graph: What tft.TFTransformOutput loads.
        transformed_examples: Transformed examples; trials read them when they hold rows.
        module_file: Path of the user's .py file in the trials' pods, the URI of one in a bucket,
            or an importable module name.
        tuner_fn: Name of the function in it, called with TFX's FnArgs.
        train_steps: Training steps that fn_args.train_steps says, 0 for no limit.
        eval_steps: Evaluation steps that fn_args.eval_steps says, 0 for no limit.
        custom_config: Handed to tuner_fn as fn_args.custom_config.
        algorithm: random, tpe, multivariate-tpe, bayesianoptimization, grid, cmaes or sobol; empty
            for the one that does what the tuner would.
        algorithm_settings: Settings that Katib knows of the algorithm.
        max_trials: Most trials, 0 for as many as the tuner itself is made with.
        parallel_trials: Trials that run at once, each in a pod of its own.
        max_failed_trials: Failed trials that end the search as failed.
        seed: Seed of the algorithm, and of every trial.
        trial: What a trial's pod is, see the README.

    Returns:
        experiment: Folder with experiment.yaml, for kubectl or run_katib_search, and
            search_plan.json, by which its answer is read.
    """
    from pathlib import Path

    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.tune.lean_imports import PlanRequest, TuneRequest, plan_search

    folders = {
        "examples": examples,
        "transformed_examples": transformed_examples,
        "schema": schema,
        "transform_graph": transform_graph,
    }
    tuning = TuneRequest(
        examples=Path(examples.path),
        transformed_examples=Path(transformed_examples.path),
        schema=Path(schema.path),
        transform_graph=Path(transform_graph.path),
        module_file=module_file,
        tuner_fn=tuner_fn,
        train_steps=train_steps,
        eval_steps=eval_steps,
        custom_config=custom_config,
        max_trials=max_trials,
        parallel_trials=parallel_trials,
        seed=seed,
    )
    request = PlanRequest(
        tuning=tuning,
        uris={name: artifact.uri for name, artifact in folders.items()},
        algorithm=algorithm,
        algorithm_settings=algorithm_settings,
        max_failed_trials=max_failed_trials,
        trial=trial,
    )
    planned = plan_search(request, Path(experiment.path))
    tell(planned.metadata(), experiment=experiment)

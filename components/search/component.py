"""The KFP interface of run_katib_search."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def run_katib_search(
    experiment: dsl.Input[dsl.Artifact],
    best_hyperparameters: dsl.Output[dsl.Artifact],
    tuner_results: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    namespace: str = "",
    interval_seconds: int = 10,
) -> NamedTuple("Outputs", [("hyperparameters", dict)]):  # type: ignore[valid-type]
    """Let Katib search what was planned, wait for its end, and hand over the best.

    A step that is run again goes on with the Experiment it created.

    Args:
        experiment: What plan_katib_search rendered.
        namespace: Where Katib runs the trials; empty for that of the step.
        interval_seconds: Seconds between two looks at the Experiment.

    Returns:
        best_hyperparameters: Folder with best_hyperparameters.txt, as TFX's Tuner writes it.
        tuner_results: Folder with tuner_results.json: objective, and every trial with its score.
        report: Trials, their scores, and how these follow from each hyperparameter.
        hyperparameters: The content of best_hyperparameters, for train_model.
    """
    from pathlib import Path

    from kanaria.components.search.run_katib import SearchRequest, run_search
    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.shared.tuning.tuned_files import Targets

    request = SearchRequest(
        experiment=Path(experiment.path), namespace=namespace, interval_seconds=interval_seconds
    )
    paths = (Path(best_hyperparameters.path), Path(tuner_results.path), Path(report.path))
    tuned = run_search(request, Targets(*paths))
    tell(
        tuned.metadata(),
        best_hyperparameters=best_hyperparameters,
        tuner_results=tuner_results,
        report=report,
    )
    return (tuned.hyperparameters,)

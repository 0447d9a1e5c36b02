"""The KFP interface of explain_model."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def explain_model(
    model: dsl.Input[dsl.Model],
    examples: dsl.Input[dsl.Dataset],
    explanations: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    signature: str = "serving_default",
    output: str = "",
    column: int = -1,
    link: str = "identity",
    explainer: str = "auto",
    split: str = "eval",
    rows: int = 200,
    background_split: str = "train",
    background_rows: int = 50,
    max_evals: int = 1024,
    slices: list = [],  # noqa: B006  KFP takes a literal default and never mutates it.
    seed: int = 0,
) -> None:
    """Tell which raw features a model's answers come from, over all rows and over slices, by SHAP.

    Args:
        model: Model of any framework, as train_model gives it.
        examples: Rows that the signature takes.
        signature: Name of the signature; its inputs are the features.
        output: Which of its outputs; empty for the only one of floats.
        column: Which of the output's values, for instance the class; -1 for the only one.
        link: identity explains the output as it is; logit the log-odds of a probability.
        explainer: exact, permutation, gradient (for a signature of floats), or auto: exact where
            max_evals allows, else permutation.
        split: Split whose rows are explained.
        rows: How many of it, chosen at random; 1 to 10,000.
        background_split: Split whose rows stand for absent features.
        background_rows: How many of it, chosen at random; 1 to 1,000.
        max_evals: Most coalitions a row, each asked for every row of the background; with gradient
            the samples a row.
        slices: Columns whose values make slices: ["origin", "origin,carrier"].
        seed: Of the rows, the permutations and the bootstrap.

    Returns:
        explanations: importance.json with mean |SHAP| of each feature by slice, and rows.jsonl with
            up to 100 explained rows.
        report: Importance, slices, single rows.
    """
    from pathlib import Path

    from kanaria.components.explain.lean_imports import explain
    from kanaria.components.explain.request import Request, Targets
    from kanaria.components.shared.artifacts.metadata import tell

    request = Request(
        model=Path(model.path),
        examples=Path(examples.path),
        signature=signature,
        output=output,
        column=column,
        link=link,
        explainer=explainer,
        split=split,
        rows=rows,
        background_split=background_split,
        background_rows=background_rows,
        max_evals=max_evals,
        slices=slices,
        seed=seed,
    )
    metadata_of_outputs = explain(
        request, Targets(explanations=Path(explanations.path), report=Path(report.path))
    )
    tell(metadata_of_outputs, explanations=explanations, report=report)

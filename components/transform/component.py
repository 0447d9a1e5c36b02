"""The KFP interface of transform_data."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def transform_data(
    examples: dsl.Input[dsl.Dataset],
    schema: dsl.Input[dsl.Artifact],
    transform_graph: dsl.Output[dsl.Artifact],
    transformed_examples: dsl.Output[dsl.Dataset],
    module_file: str,
    preprocessing_fn: str = "preprocessing_fn",
    materialize: bool = True,
    custom_config: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    compute: dict = {},  # noqa: B006
    outcome: dsl.Input[dsl.Artifact] = None,
) -> None:
    """Analyse the train split with the user's preprocessing_fn and transform every split.

    Args:
        examples: Examples; the split "train" is analysed.
        schema: Folder with schema.pbtxt; decides which inputs are dense and which sparse.
        module_file: Path of the user's .py file, or an importable module name.
        preprocessing_fn: Name of the function in it: (inputs) or (inputs, custom_config).
        materialize: Whether to write transformed examples; otherwise training reads raw ones.
        custom_config: Passed to a function that takes custom_config.
        compute: {"engine": "spark"} and more: where the step computes; its keys are below.
        outcome: Outcome of validate_data; data that did not pass fails this step, with the
            reasons; or none.

    Returns:
        transform_graph: What tft.TFTransformOutput loads.
        transformed_examples: Transformed splits, in the layout and the format of the examples.
    """
    from pathlib import Path

    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.shared.artifacts.outcome import require_passed

    if outcome:
        require_passed(outcome.path)
    from kanaria.components.transform.lean_imports import TransformRequest, run

    request = TransformRequest(
        examples=Path(examples.path),
        schema=Path(schema.path),
        module_file=module_file,
        preprocessing_fn=preprocessing_fn,
        materialize=materialize,
        custom_config=custom_config,
        compute=compute,
    )
    run(request, Path(transform_graph.path), Path(transformed_examples.path))
    metadata = request.metadata(examples.metadata.get("span", ""))
    tell(metadata, transform_graph=transform_graph, transformed_examples=transformed_examples)

"""The KFP interface of export_lite."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def export_lite(
    model: dsl.Input[dsl.Model],
    examples: dsl.Input[dsl.Dataset],
    tflite_model: dsl.Output[dsl.Model],
    outcome: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    quantization: str = "none",
    signature: str = "serving_default",
    split: str = "eval",
    representative_split: str = "train",
    representative_rows: int = 200,
    max_bytes: int = 0,
    max_abs_difference: float = 0.01,
    min_agreement: float = 0.99,
) -> bool:
    """Convert a signature for LiteRT (TensorFlow Lite), run the file on rows, and judge it.

    The step succeeds whatever it measures, and require_passed refuses a file that did not pass.
    What cannot be converted or run fails the step, and names the operation.

    Args:
        model: SavedModel under `<version>/`, as train_model gives it.
        examples: Rows that the signature takes: raw examples, or transformed ones for a signature
            behind the transform.
        quantization: none, float16, dynamic (weights of 8 bits) or int8 (all of 8 bits, with
            ranges from the examples).
        signature: Name of the signature to convert; its inputs are columns of the examples.
        split: Split whose rows both models answer.
        representative_split: Split that the ranges of int8 are measured on.
        representative_rows: How many rows of it, chosen at random; 1 or more.
        max_bytes: Largest size of the file that passes; 0 for any.
        max_abs_difference: Largest difference of a float output that passes, at any row.
        min_agreement: Least share of rows, 0 to 1, where both models decide alike.

    Returns:
        tflite_model: Folder with model.tflite; signature, inputs, outputs, size, difference,
            agreement and latency in the metadata.
        outcome: Verdict with every limit that does not hold, its value and the row.
        report: Verdict, size, latency, outputs side by side.
        Output: True if every limit holds.
    """
    from pathlib import Path

    from kanaria.components.export.converter_process import export_apart
    from kanaria.components.export.gate import Limits
    from kanaria.components.export.request import Request, Targets

    request = Request(
        model=Path(model.path),
        examples=Path(examples.path),
        quantization=quantization,
        signature=signature,
        split=split,
        representative_split=representative_split,
        representative_rows=representative_rows,
        limits=Limits(
            max_bytes=max_bytes,
            max_abs_difference=max_abs_difference,
            min_agreement=min_agreement,
        ),
    )
    targets = Targets(
        tflite_model=Path(tflite_model.path),
        outcome=Path(outcome.path),
        report=Path(report.path),
    )
    exported = export_apart(request, targets)
    tflite_model.metadata.update(exported.metadata(model.metadata))
    exported.outcome.describe(outcome, report=report)
    return exported.outcome.passed

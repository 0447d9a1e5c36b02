"""The KFP interfaces of fit_drift_detector and detect_drift."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def fit_drift_detector(
    examples: dsl.Input[dsl.Dataset],
    schema: dsl.Input[dsl.Artifact],
    drift_detector: dsl.Output[dsl.Artifact],
    serving_samples: dsl.Input[dsl.Artifact] = None,
    detector: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    features: list = [],  # noqa: B006
    split: str = "train",
    rows: int = 20_000,
    seed: int = 0,
) -> None:
    """Fit a drift detector on training rows, with the features that a served request has.

    Features with several values in a row, without values, or of more than 1,000 different texts
    are left out; the metadata says which.

    Args:
        examples: Examples.
        schema: Folder with schema.pbtxt; numbers it calls categorical are compared as categories.
        serving_samples: What train_model tells of the model's signature, for its inputs; or none.
        detector: {"kind": "mmd", "alpha": 0.01}: kind of the detector and its parameters; table
            and its defaults where they are left out.
        features: Features to compare; [] for the inputs of the model's signature, else all but
            those that the schema keeps out of the environment SERVING.
        split: Split whose rows are the reference.
        rows: Most rows of the reference; of more, a uniform sample is taken.
        seed: Seed of that sample, and equal seeds choose equal rows.

    Returns:
        drift_detector: Folder with detector.json and reference.npz; features and rows as metadata.
    """
    from pathlib import Path

    from kanaria.components.detect.fit import FitRequest, fit
    from kanaria.components.shared.artifacts.metadata import described

    request = FitRequest(
        examples=Path(examples.path),
        schema=Path(schema.path),
        samples=Path(serving_samples.path) if serving_samples else None,
        detector=detector,
        features=features,
        split=split,
        rows=rows,
        seed=seed,
    )
    facts = fit(request, Path(drift_detector.path))
    kind = str(facts.get("detector", "nothing to compare"))
    drift_detector.metadata.update(described("drift_detector", facts, kind))


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def detect_drift(
    examples: dsl.Input[dsl.Dataset],
    outcome: dsl.Output[dsl.Artifact],
    drift: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    drift_detector: dsl.Input[dsl.Artifact] = None,
    deployed: str = "",
    verify_key: str = "",
    detector: dict = {},  # noqa: B006
    split: str = "",
    rows: int = 100_000,
    seed: int = 0,
    fail_on_drift: bool = False,
) -> NamedTuple("Outputs", [("drifted", bool)]):  # type: ignore[valid-type]
    """Compare examples with what a drift detector was fitted on.

    Drift needs a small p-value and an effect that matters. The step succeeds whatever it finds,
    and a dsl.If on `drifted` may train anew; with fail_on_drift it keeps its outputs and fails.

    Args:
        examples: Examples, for instance of a serving span.
        drift_detector: What fit_drift_detector wrote; or none, with `deployed`.
        deployed: URI of the deployed release, whose own detector is taken; empty: none.
        verify_key: Text of the public key that the release must be signed for, as resolve_deployed
            gives it; empty for KANARIA_VERIFY_KEY, where it is set.
        detector: {"kind": "table", "alpha": 0.01}: parameters to change of the detector that was
            fitted, but for those that shape its reference; or {"kind": "alibi", "folder":
            "s3://..."} for an artefact of Alibi Detect; {} for the one fitted as it is.
        split: Split to compare; empty for all of them together.
        rows: Most rows to compare; of more, a uniform sample is taken.
        seed: Seed of that sample, and equal seeds choose equal rows.
        fail_on_drift: Whether drift fails the step, with its reasons.

    Returns:
        outcome: Verdict with every feature that drifted or has too few rows to say.
        drift: drift.json, the report's numbers: statistic, p-value, effect of each feature, bars.
        report: Features by the size of their effect, their distributions, what changed.
        drifted: Whether a feature drifted.
    """
    from pathlib import Path

    from kanaria.components.detect.detect import DetectRequest, Targets, detect
    from kanaria.components.shared.artifacts import refusal

    request = DetectRequest(
        examples=Path(examples.path),
        detector=Path(drift_detector.path) if drift_detector else None,
        deployed=deployed,
        verify_key=verify_key,
        choice=detector,
        split=split,
        rows=rows,
        seed=seed,
    )
    targets = Targets(outcome=Path(outcome.path), drift=Path(drift.path), report=Path(report.path))
    verdict = detect(request, targets)
    verdict.describe(outcome, drift=drift, report=report)
    if fail_on_drift:
        refusal.unless_passed(outcome, drift, report)
    return (not verdict.passed,)

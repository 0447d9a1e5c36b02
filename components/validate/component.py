"""The KFP interfaces of validate_data and compare_data."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def validate_data(
    examples: dsl.Input[dsl.Dataset],
    statistics: dsl.Output[dsl.Artifact],
    schema: dsl.Output[dsl.Artifact],
    anomalies: dsl.Output[dsl.Artifact],
    outcome: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    schema_file: str = "",
    environment: str = "",
    serving_statistics: str = "",
    compute: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
) -> bool:
    """Compute statistics, infer or read the schema, and judge every split against it.

    Skew comparators of the schema act when serving statistics are given; one that cannot be
    computed is an error. The step succeeds whatever it finds: transform_data refuses what did
    not pass. What is live is compare_data's, so this step is reused whatever is deployed.

    Args:
        examples: Examples; every split is validated.
        schema_file: Text proto of a TFDV schema; empty to infer one from the data.
        environment: Schema environment to validate in; empty for none.
        serving_statistics: URI of the FeatureStats.pb of serving data, or of its folder, for
            skew. Empty: none.
        compute: {"engine": "spark"} and more: where statistics are computed; its keys are listed
            in the README of transform_data.

    Returns:
        statistics: <split>/FeatureStats.pb as TFDV writes it; rows of each split as metadata.
        schema: Folder with schema.pbtxt; its fingerprint as metadata.
        anomalies: <split>/SchemaDiff.pb as TFDV writes it.
        outcome: Verdict with every anomaly, severity, feature and reason.
        report: Anomalies first, then every feature at a glance.
        Output: Whether the data passed.
    """
    from pathlib import Path

    from kanaria.components.shared.artifacts.metadata import tell
    from kanaria.components.validate.validate import Targets, ValidateRequest, run

    request = ValidateRequest(
        examples=Path(examples.path),
        schema_file=schema_file,
        environment=environment,
        serving_statistics=serving_statistics,
        span=examples.metadata.get("span", ""),
        compute=compute,
    )
    targets = Targets(
        statistics=Path(statistics.path),
        schema=Path(schema.path),
        anomalies=Path(anomalies.path),
        outcome=Path(outcome.path),
        report=Path(report.path),
    )
    result = run(request, targets)
    tell(result.metadata, statistics=statistics, schema=schema)
    result.outcome.describe(outcome, anomalies=anomalies, report=report)
    return result.outcome.passed


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def compare_data(
    statistics: dsl.Input[dsl.Artifact],
    schema: dsl.Input[dsl.Artifact],
    anomalies: dsl.Output[dsl.Artifact],
    outcome: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    deployed: str = "",
    verify_key: str = "",
    environment: str = "",
) -> bool:
    """Compare every split with what the live release was trained on.

    Drift comparators of the schema act; one that cannot be computed is an error. The step
    succeeds whatever it finds: push_model refuses what did not pass.

    Args:
        statistics: Statistics of validate_data.
        schema: Schema of validate_data, with the drift comparators.
        deployed: URI of the live release; empty for none, and then nothing is compared.
        verify_key: Text of the public key that the release must be signed for, as resolve_deployed
            gives it; empty for KANARIA_VERIFY_KEY, where it is set.
        environment: Schema environment; empty for none.

    Returns:
        anomalies: <split>/SchemaDiff.pb as TFDV writes it; empty where nothing was compared.
        outcome: Verdict with every distance, and every comparator that could not be computed.
        report: Drift first, then every feature beside the live release's.
        Output: Whether the data passed.
    """
    from pathlib import Path

    from kanaria.components.validate.compare import CompareRequest, CompareTargets, compare

    request = CompareRequest(
        statistics=Path(statistics.path),
        schema=Path(schema.path),
        deployed=deployed,
        verify_key=verify_key,
        environment=environment,
    )
    targets = CompareTargets(
        anomalies=Path(anomalies.path), outcome=Path(outcome.path), report=Path(report.path)
    )
    verdict = compare(request, targets)
    verdict.describe(outcome, anomalies=anomalies, report=report)
    return verdict.passed

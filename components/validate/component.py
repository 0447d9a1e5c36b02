"""The KFP interface of validate_data."""

from kfp import dsl

from kanaria.components.shared.images import TRAINING_IMAGE


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
    deployed: str = "",
    serving_statistics: str = "",
) -> bool:
    """Compute statistics, infer or read the schema, and judge every split against it.

    Skew and drift comparators of the schema act whenever their baseline is given; one that
    cannot be computed is an error. The step succeeds whatever it finds: let require_passed
    stop the run.

    Args:
        examples: Examples; every split is validated.
        schema_file: Text proto of a TFDV schema; empty to infer one from the data.
        environment: Schema environment to validate in; empty for none.
        deployed: URI of the deployed release; drift is measured from its statistics. Empty: none.
        serving_statistics: URI of the FeatureStats.pb of serving data, or of its folder, for
            skew. Empty: none.

    Returns:
        statistics: <split>/FeatureStats.pb as TFDV writes it; rows of each split as metadata.
        schema: Folder with schema.pbtxt; its fingerprint as metadata.
        anomalies: <split>/SchemaDiff.pb as TFDV writes it.
        outcome: Verdict with every anomaly, severity, feature and reason.
        report: Anomalies first, then every feature at a glance.
        Output: Whether the data passed.
    """
    from pathlib import Path

    from kanaria.components.validate.validate import Targets, ValidateRequest, validate

    request = ValidateRequest(
        examples=Path(examples.path),
        schema_file=schema_file,
        environment=environment,
        deployed=deployed,
        serving_statistics=serving_statistics,
    )
    targets = Targets(
        statistics=Path(statistics.path),
        schema=Path(schema.path),
        anomalies=Path(anomalies.path),
        outcome=Path(outcome.path),
        report=Path(report.path),
    )
    result = validate(request, targets)
    statistics.metadata.update(result.metadata)
    schema.metadata.update(result.metadata)
    return result.passed

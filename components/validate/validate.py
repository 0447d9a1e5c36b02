"""The work of validate_data: reads examples and serving statistics, writes every artifact."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.artifacts import fingerprint, outcome
from kanaria.components.shared.artifacts.metadata import described
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import arrow_files, examples
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.engines import engine_choice
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.components.validate import artifact_files, baselines, report, schema, split_judgement
from kanaria.components.validate import statistics as tfdv_statistics
from kanaria.components.validate.report_data import Data

Statistics = dict[str, statistics_pb2.DatasetFeatureStatisticsList]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidateRequest:
    """What to validate and against what.

    Attributes:
        examples: examples artifact; every split is validated.
        schema_file: text proto of the user, or "" to infer one.
        environment: schema environment to validate in, or "".
        serving_statistics: URI of statistics of serving data, or "".
        span: which span the data is, for the metadata; or "".
        compute: where the statistics are computed, as `run` takes it; {} for the defaults.
    """

    examples: Path
    schema_file: str = ""
    environment: str = ""
    serving_statistics: str = ""
    span: str = ""
    compute: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths of the artifacts, each published atomically.

    Attributes:
        statistics: folder, `<split>/FeatureStats.pb`.
        schema: folder, `schema.pbtxt`.
        anomalies: folder, `<split>/SchemaDiff.pb`.
        outcome: folder, written last.
        report: one HTML file.
    """

    statistics: Path
    schema: Path
    anomalies: Path
    outcome: Path
    report: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What the step tells about itself.

    Attributes:
        outcome: the verdict with every reason.
        metadata: metadata of statistics and schema: rows of each split, span, the schema's
            fingerprint.
    """

    outcome: Outcome
    metadata: dict[str, dict[str, object]]


def _check_parameters(request: ValidateRequest) -> None:
    faults = Faults("validate_data")
    for name in ("schema_file", "serving_statistics"):
        try:
            uri_files.check(getattr(request, name).partition(PIN)[0])
        except ParameterError as error:
            faults.add(f"{name}: {error}")
    without_schema = bool(request.environment) and not request.schema_file
    remedy = "an inferred schema has no environments; give schema_file too"
    faults.check(not without_schema, "environment", request.environment, remedy)
    faults.raise_if_any()


def _of_split(
    files: Sequence[Path],
    user_schema: schema_pb2.Schema | None,
    engine: Engine | Beam,
    beside: Path,
) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    if not isinstance(engine, Beam):
        return tfdv_statistics.of_files(files, user_schema, engine)
    from kanaria.components.validate import beam_engine  # It imports Beam.

    computed = beam_engine.statistics(files, user_schema, engine, beside)
    return computed if computed.datasets[0].num_examples else None


def _statistics(
    folder: Path, user_schema: schema_pb2.Schema | None, engine: Engine | Beam, beside: Path
) -> Statistics:
    names = sorted(examples.split_names(folder), key=lambda name: (name != "train", name))
    if not names:
        raise DataError(f"examples {folder}: no split=<name> folder; give what ingest_data wrote")
    files = {name: examples.split_files(folder, name) for name in names}
    statistics = {}
    for name in names:
        of_split = _of_split(files[name], user_schema, engine, beside)
        if of_split is None:
            raise DataError(f"examples {folder}: split {name!r} has no rows; ingest more data")
        log.info("split %s: %d rows", name, of_split.datasets[0].num_examples)
        statistics[name] = of_split
    return statistics


def run(request: ValidateRequest, targets: Targets) -> Result:
    """Do the step's work with the engine that the request asks for.

    Raises:
        ParameterError: a parameter, or something in `compute`, is wrong.
        DataError: there are no examples, or a schema or baseline cannot be read.
        NotReadyError: an object store or the cluster does not answer.
    """
    with engine_choice.engine(request.compute, "validate_data", [request.examples]) as engine:
        return validate(request, targets, engine)


def validate(
    request: ValidateRequest,
    targets: Targets,
    engine: Engine | Beam = LocalEngine(),  # noqa: B008
) -> Result:
    """Write statistics, schema, anomalies, report and outcome.

    Args:
        request: what to validate.
        targets: where everything goes.
        engine: what computes the statistics; Beam does by TFDV's own pipeline.

    Raises:
        ParameterError: a URI is of an unknown kind, or the schema does not know the environment.
        DataError: there are no examples, or a schema or baseline cannot be read.
        NotReadyError: an object store does not answer.
    """
    if isinstance(engine, Beam):
        return _validated(request, targets, engine)  # Beam needs pandas.
    with arrow.without_pandas():
        return _validated(request, targets, engine)


def _validated(request: ValidateRequest, targets: Targets, engine: Engine | Beam) -> Result:
    _check_parameters(request)
    arrow_files.give_memory_back()
    user_schema = schema.of_user(request.schema_file) if request.schema_file else None
    if user_schema is not None:
        schema.check_environment(user_schema, request.environment)
    serving = baselines.serving(request.serving_statistics)
    statistics = _statistics(request.examples, user_schema, engine, targets.statistics.parent)
    in_force, notes = (user_schema, []) if user_schema is not None else schema.inferred(statistics)
    rules = split_judgement.Rules(
        schema=in_force,
        environment=request.environment,
        serving=serving,
        notes=tuple(notes),
    )
    judged = {
        name: split_judgement.judge_split(name, of_split, rules)
        for name, of_split in statistics.items()
    }
    verdict = split_judgement.outcome(judged, rules)
    artifact_files.write_protos(targets.statistics, artifact_files.STATISTICS, statistics)
    artifact_files.write_protos(
        targets.anomalies, artifact_files.ANOMALIES, {n: j.anomalies for n, j in judged.items()}
    )
    with atomic.published(targets.schema) as temporary:
        schema.write(rules.schema, temporary)
    beside = {} if serving is None else {"serving": serving}
    data = Data(splits=statistics, baselines=beside, schema=in_force)
    distances = [distance for one in judged.values() for distance in one.distances]
    page = report.render(report.VALIDATION, verdict, data, distances)
    atomic.write_text(targets.report, page)
    outcome.write(verdict, targets.outcome)
    log.info("%s", verdict.summary())
    rows = {
        f"rows_{name}": int(of_split.datasets[0].num_examples)
        for name, of_split in statistics.items()
    }
    identity = fingerprint.of_file(targets.schema / schema.FILE)
    facts = {**rows, "schema_fingerprint": identity, "span": request.span}
    metadata = {
        "statistics": described("statistics", facts, request.span),
        "schema": described("schema", facts, identity[:16]),
    }
    return Result(outcome=verdict, metadata=metadata)

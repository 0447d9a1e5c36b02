"""The work of validate_data: reads examples and serving statistics, writes every artifact."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared import atomic, examples, fingerprint, outcome, storage
from kanaria.components.shared.data_reference import PIN
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.metadata import described
from kanaria.components.shared.outcome import Outcome
from kanaria.components.shared.parameters import Faults
from kanaria.components.validate import baselines, files, judge, report, schema
from kanaria.components.validate import statistics as tfdv_statistics

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
    """

    examples: Path
    schema_file: str = ""
    environment: str = ""
    serving_statistics: str = ""
    span: str = ""


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
            storage.check(getattr(request, name).partition(PIN)[0])
        except ParameterError as error:
            faults.add(f"{name}: {error}")
    without_schema = bool(request.environment) and not request.schema_file
    remedy = "an inferred schema has no environments; give schema_file too"
    faults.check(not without_schema, "environment", request.environment, remedy)
    faults.raise_if_any()


def _statistics(folder: Path, given: schema_pb2.Schema | None, engine: Engine) -> Statistics:
    names = sorted(examples.split_names(folder), key=lambda name: (name != "train", name))
    if not names:
        raise DataError(f"examples {folder}: no split=<name> folder; give what ingest_data wrote")
    files = {name: examples.split_files(folder, name) for name in names}
    found = {}
    for name in names:
        of_split = tfdv_statistics.of_files(files[name], given, engine)
        if of_split is None:
            raise DataError(f"examples {folder}: split {name!r} has no rows; ingest more data")
        log.info("split %s: %d rows", name, of_split.datasets[0].num_examples)
        found[name] = of_split
    return found


def _give_memory_back() -> None:
    """Let Arrow return at once what it frees; else the step holds 20 MB more than it uses."""
    with suppress(NotImplementedError):  # Arrow was built with another allocator.
        pa.jemalloc_set_decay_ms(0)


@arrow.without_pandas()
def validate(
    request: ValidateRequest,
    targets: Targets,
    engine: Engine = LocalEngine(),  # noqa: B008
) -> Result:
    """Write statistics, schema, anomalies, report and outcome.

    Args:
        request: what to validate.
        targets: where everything goes.
        engine: what computes the statistics.

    Raises:
        ParameterError: a URI is of an unknown kind, or the schema does not know the environment.
        DataError: there are no examples, or a schema or baseline cannot be read.
        NotReadyError: an object store does not answer.
    """
    _check_parameters(request)
    _give_memory_back()
    given = schema.given(request.schema_file) if request.schema_file else None
    if given is not None:
        schema.check_environment(given, request.environment)
    serving = baselines.serving(request.serving_statistics)
    statistics = _statistics(request.examples, given, engine)
    in_force, notes = (given, []) if given is not None else schema.inferred(statistics)
    rules = judge.Rules(
        schema=in_force,
        environment=request.environment,
        serving=serving,
        notes=tuple(notes),
    )
    judged = {name: judge.judge_split(name, found, rules) for name, found in statistics.items()}
    verdict = judge.outcome(judged, rules)
    files.write_protos(targets.statistics, files.STATISTICS, statistics)
    files.write_protos(
        targets.anomalies, files.ANOMALIES, {n: j.anomalies for n, j in judged.items()}
    )
    with atomic.published(targets.schema) as temporary:
        schema.write(rules.schema, temporary)
    beside = {} if serving is None else {"serving": serving}
    atomic.write_text(targets.report, report.render(report.VALIDATION, verdict, statistics, beside))
    outcome.write(verdict, targets.outcome)
    log.info("%s", verdict.summary())
    rows = {
        f"rows_{name}": int(found.datasets[0].num_examples) for name, found in statistics.items()
    }
    identity = fingerprint.of_file(targets.schema / schema.FILE)
    facts = {**rows, "schema_fingerprint": identity, "span": request.span}
    told = {
        "statistics": described("statistics", facts, request.span),
        "schema": described("schema", facts, identity[:16]),
    }
    return Result(outcome=verdict, metadata=told)

"""The work of compare_data: reads statistics of both sides, writes every artifact."""

import logging
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.artifacts import outcome, verify_keys
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.schema_file import read_schema
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.components.validate import artifact_files, baselines, drift, report
from kanaria.components.validate.report_data import Data

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareRequest:
    """What to compare with what.

    Attributes:
        statistics: artifact of validate_data.
        schema: folder with `schema.pbtxt`; its drift comparators act.
        deployed: URI of the live release, or "" for none.
        verify_key: PEM of the public key that it must be signed for, or "".
        environment: schema environment, or "".
    """

    statistics: Path
    schema: Path
    deployed: str = ""
    verify_key: str = ""
    environment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareTargets:
    """Final paths, each published atomically; the outcome's is written last.

    Attributes:
        anomalies: folder, `<split>/SchemaDiff.pb`.
        outcome: folder.
        report: one HTML file.
    """

    anomalies: Path
    outcome: Path
    report: Path


def _check_parameters(request: CompareRequest) -> None:
    faults = Faults(drift.STEP)
    try:
        uri_files.check(request.deployed)
    except ParameterError as error:
        faults.add(f"deployed: {error}")
    faults.raise_if_any()


def _statistics(folder: Path) -> baselines.Statistics:
    statistics = baselines.by_split(folder, "statistics")
    if not statistics:
        raise DataError(f"statistics {folder}: no split; give what validate_data wrote")
    return statistics


@arrow.without_pandas()
def compare(request: CompareRequest, targets: CompareTargets) -> Outcome:
    """Compare every split with the live release; write anomalies, report and outcome.

    Raises:
        ParameterError: the release's URI is of an unknown kind.
        DataError: statistics or schema cannot be read.
        NotReadyError: an object store does not answer.
    """
    _check_parameters(request)
    schema = read_schema(request.schema / "schema.pbtxt")
    statistics = _statistics(request.statistics)
    previous = baselines.previous(
        request.deployed, verify_keys.of_step(request.verify_key, drift.STEP)
    )
    rules = drift.Rules(schema=schema, environment=request.environment, previous=previous)
    compared = drift.compare(statistics, rules)
    verdict = drift.outcome(compared, rules)
    anomalies = {name: one.anomalies for name, one in compared.items()}
    artifact_files.write_protos(targets.anomalies, artifact_files.ANOMALIES, anomalies)
    beside = {f"deployed {name}": one for name, one in _shown(previous).items()}
    distances = [distance for one in compared.values() for distance in one.distances]
    page = report.render(
        report.COMPARISON,
        verdict,
        Data(splits=statistics, baselines=beside, schema=schema),
        distances,
    )
    atomic.write_text(targets.report, page)
    outcome.write(verdict, targets.outcome)
    log.info("%s", verdict.summary())
    return verdict


def _shown(previous: baselines.Statistics) -> baselines.Statistics:
    """Return the one split of the release that is drawn beside the new data."""
    name, statistics = baselines.of_split(previous, baselines.STAND_IN)
    return {} if statistics is None else {name: statistics}

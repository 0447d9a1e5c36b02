"""Where steps compute, as one mapping. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import beam_arguments, spark_settings
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import uri_files

WHERE = "compute"
STEPS = ("validate_data", "transform_data", "evaluate_model", "bless_model")
"""The steps that compute over the data."""
TRAINING_WORKERS = "training_workers"


class Name(StrEnum):
    """What a user may ask for.

    AUTO   by the bytes of the data and the memory that there is
    LOCAL  this machine, in one process or several
    SPARK  a Spark cluster
    BEAM   the libraries' own Beam pipelines, on any runner of Beam's
    """

    AUTO = "auto"
    LOCAL = "local"
    SPARK = "spark"
    BEAM = "beam"


COMPUTE = (
    Key(
        name="engine",
        kind=Kind.TEXT,
        meaning="auto, local, spark or beam: where the steps compute over the data.",
        default=Name.AUTO.value,
    ),
    Key(
        name="steps",
        kind=Kind.MAPPING,
        meaning="{transform_data: beam}: the engine of single steps.",
        default={},
        entries=Kind.TEXT,
        common=STEPS,
    ),
    Key(
        name="workers",
        kind=Kind.INTEGER,
        meaning="processes of this machine that compute; 0 for as many as pay.",
        default=0,
    ),
    Key(
        name=TRAINING_WORKERS,
        kind=Kind.INTEGER,
        meaning="processes that train together, where run_fn uses MultiWorkerMirroredStrategy.",
        default=1,
    ),
    Key(
        name="spark",
        kind=Kind.MAPPING,
        meaning='{"spark.master": "spark://host:7077"}: settings of Spark under its own names.',
        default={},
        entries=Kind.SETTING,
        common=(spark_settings.MASTER,),
    ),
    Key(
        name="beam_pipeline_args",
        kind=Kind.LIST,
        meaning="[--runner=PortableRunner, --job_endpoint=host:8099]: handed to Beam unchanged.",
        default=[],
        entries=Kind.TEXT,
    ),
    Key(
        name="analyzer_cache",
        kind=Kind.TEXT,
        meaning="s3://bucket/analyzers: where transform_data keeps what its analyzers "
        "found in each span, so that the next run reads new ones alone; or empty.",
        default="",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compute:
    """Where the steps compute; see COMPUTE.

    Attributes:
        engine: of all steps that are not in `steps`.
        steps: step -> its engine.
        workers: processes of this machine, 0 for as many as pay.
        training_workers: processes that train together, 1 or more.
        spark: Spark's settings, all text.
        beam_pipeline_args: Beam's.
        analyzer_cache: path or URI, "" for none.
    """

    engine: Name = Name.AUTO
    steps: Mapping[str, Name] = field(default_factory=dict)
    workers: int = 0
    training_workers: int = 1
    spark: Mapping[str, str] = field(default_factory=dict)
    beam_pipeline_args: tuple[str, ...] = ()
    analyzer_cache: str = ""

    def of(self, step: str) -> Name:
        """Return the engine that is asked for one step."""
        return self.steps.get(step, self.engine)


def parse(mapping: Any, faults: Faults) -> Compute:
    """Return what a mapping asks for; it is usable only when no fault was added.

    Args:
        mapping: what the user wrote; {} for the defaults.
        faults: gets everything that is wrong, each with the way to it.
    """
    values = keys.read(mapping, COMPUTE, WHERE, faults)
    for step in values["steps"]:
        remedy = f"use {', '.join(STEPS)}"
        faults.check(step in STEPS, f"{WHERE}.steps.{step}", values["steps"][step], remedy)
    settings = Compute(
        engine=_name(values["engine"], f"{WHERE}.engine", faults),
        steps={
            step: _name(name, f"{WHERE}.steps.{step}", faults)
            for step, name in values["steps"].items()
        },
        workers=values["workers"],
        training_workers=values[TRAINING_WORKERS],
        spark=values["spark"],
        beam_pipeline_args=tuple(values["beam_pipeline_args"]),
        analyzer_cache=values["analyzer_cache"],
    )
    faults.check(
        settings.workers >= 0,
        f"{WHERE}.workers",
        settings.workers,
        "use 0 or a number of processes",
    )
    trained_by = f"{WHERE}.{TRAINING_WORKERS}"
    faults.check(
        settings.training_workers >= 1,
        trained_by,
        settings.training_workers,
        "use 1 or more processes",
    )
    _check_engines(settings, faults)
    try:
        uri_files.check(settings.analyzer_cache)
    except ParameterError as error:
        faults.add(f"{WHERE}.analyzer_cache: {error}")
    return settings


def _name(value: str, where: str, faults: Faults) -> Name:
    is_engine = value in tuple(Name)
    faults.check(is_engine, where, value, f"use {', '.join(Name)}")
    return Name(value) if is_engine else Name.AUTO


def _check_engines(settings: Compute, faults: Faults) -> None:
    spark_settings.check(settings.spark, f"{WHERE}.spark", faults)
    engines = {settings.engine, *settings.steps.values()}
    if Name.SPARK in engines and spark_settings.MASTER not in settings.spark:
        faults.add(
            f"{WHERE}.spark.{spark_settings.MASTER} is missing: engine spark needs the cluster, as "
            "spark://host:7077 or k8s://https://host:port"
        )
    if settings.beam_pipeline_args:
        beam_arguments.check(settings.beam_pipeline_args, f"{WHERE}.beam_pipeline_args", faults)

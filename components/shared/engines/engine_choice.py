"""Which engine a step computes with: what is asked for, else by the data and the machine."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import beam, compute_mapping, machine_limits, spark_settings
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.compute_mapping import Compute, Name
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.machine_limits import Machine

LOGGER = logging.getLogger(__name__)
MIB = 2**20
IN_MEMORY = 8
"""Bytes of rows in memory for a byte of a file: columns in files are compressed."""
WORTH_PROCESSES = 512 * MIB
"""Bytes of files from which processes of their own pay: below, their imports take longer."""
PROCESS_MEMORY = 1024 * MIB
"""Bytes that a process takes which has loaded TensorFlow."""


class Kind(StrEnum):
    """What does the work."""

    LOCAL = "local"
    PROCESSES = "processes"
    SPARK = "spark"
    BEAM = "beam"


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """How much there is to do: files that can be read side by side, and their bytes."""

    files: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What does the work, in how many processes of this machine, and why."""

    kind: Kind
    workers: int
    why: str


def decide(wanted: Compute, step: str, work: Work, here: Machine) -> Decision:
    """Return what does a step's work. Pure.

    `auto` keeps on this machine what fits into its memory; the engines stream, so what does not fit
    also runs here, and takes long. A cluster is used only where the user names one.
    """
    engine = wanted.of(step)
    if engine is Name.SPARK:
        return Decision(kind=Kind.SPARK, workers=1, why="it is asked for")
    if engine is Name.BEAM:
        return Decision(kind=Kind.BEAM, workers=1, why="it is asked for")
    if engine is Name.LOCAL:
        return _on_this_machine(wanted, work, here, "it is asked for")
    size = f"{_mib(work.size)} of files, about {_mib(work.size * IN_MEMORY)} of rows,"
    memory = f"the {_mib(here.memory)} of memory here"
    if work.size * IN_MEMORY <= here.memory:
        return _on_this_machine(wanted, work, here, f"{size} fit into {memory}")
    if spark_settings.MASTER in wanted.spark:
        return Decision(kind=Kind.SPARK, workers=1, why=f"{size} exceed {memory}")
    if wanted.beam_pipeline_args:
        return Decision(kind=Kind.BEAM, workers=1, why=f"{size} exceed {memory}")
    why = f"{size} exceed {memory} and are read in parts; a Spark cluster would share the work: "
    return _on_this_machine(wanted, work, here, f"{why}compute.spark.{spark_settings.MASTER}")


def _on_this_machine(wanted: Compute, work: Work, here: Machine, why: str) -> Decision:
    """Return one process, or as many as the user says or as pay."""
    most = max(1, min(work.files, here.cores, here.memory // PROCESS_MEMORY))
    workers = min(wanted.workers, work.files) if wanted.workers else most
    if not wanted.workers and work.size < WORTH_PROCESSES:
        workers = 1
    if workers <= 1:
        return Decision(kind=Kind.LOCAL, workers=1, why=why)
    return Decision(kind=Kind.PROCESSES, workers=workers, why=why)


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"


def work(files: Iterable[Path]) -> Work:
    """Return how much there is to do in files, or in folders of files."""
    paths = [
        one for path in files for one in ([path] if path.is_file() else sorted(path.rglob("*")))
    ]
    paths = [one for one in paths if one.is_file()]
    return Work(files=len(paths), size=sum(one.stat().st_size for one in paths))


@contextmanager
def engine(mapping: Any, step: str, files: Iterable[Path]) -> Iterator[Engine | Beam]:
    """Yield what a step computes with; what it started ends with the block.

    Args:
        mapping: the mapping `compute` as the user wrote it.
        step: name of the step.
        files: what it will read, files or folders.

    Raises:
        ParameterError: something in the mapping is wrong, or its engine cannot be used here.
        NotReadyError: the cluster does not answer.
    """
    faults = Faults(step)
    wanted = compute_mapping.parse(mapping, faults)
    faults.raise_if_any()
    decision = decide(wanted, step, work(files), machine_limits.machine())
    if decision.kind is Kind.BEAM:
        beam.validate(
            wanted.beam_pipeline_args, f"{compute_mapping.WHERE}.beam_pipeline_args", faults
        )
        faults.raise_if_any()
    LOGGER.info("%s computes with engine %s: %s.", step, _description(decision), decision.why)
    with _opened(decision, wanted, step) as opened:
        yield opened


def _description(decision: Decision) -> str:
    if decision.kind is Kind.PROCESSES:
        return f"local in {decision.workers} processes"
    return str(decision.kind)


@contextmanager
def _opened(decision: Decision, wanted: Compute, step: str) -> Iterator[Engine | Beam]:
    """Yield the engine of a decision; its libraries are imported here, not before."""
    if decision.kind is Kind.BEAM:
        yield Beam(wanted.beam_pipeline_args)
    elif decision.kind is Kind.SPARK:
        from kanaria.components.shared.engines import spark_session

        with spark_session.session(wanted.spark, step) as cluster:
            yield cluster
    elif decision.kind is Kind.PROCESSES:
        from kanaria.components.shared.engines.processes import ProcessEngine

        several = ProcessEngine(decision.workers)
        try:
            yield several
        finally:
            several.close()
    else:
        yield LocalEngine()

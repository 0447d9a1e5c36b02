"""The engine of the libraries' own Beam pipelines, on the runner that the user's arguments name.

apache_beam is imported when it is used. An engine of this kind does no work itself: a step that is
given one runs TFDV's, TFT's or TFMA's pipeline in `pipeline(engine)`.
"""

import difflib
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import beam_arguments, private_beam
from kanaria.components.shared.errors import shown

LOGGER = logging.getLogger(__name__)
_NEAR = 0.85
"""How alike two flags must be for the one to be a slip of the other."""
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Beam:
    """Beam with the user's arguments, which are handed on as they are; () runs in this process."""

    arguments: tuple[str, ...] = ()

    @property
    def in_process(self) -> bool:
        """Whether the runner is this process."""
        return beam_arguments.runner(self.arguments) in beam_arguments.IN_PROCESS


def options(arguments: Sequence[str]) -> Any:
    """Return Beam's PipelineOptions of these arguments alone.

    Without a list Beam takes this process's command line, where KFP's arguments stand.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    return PipelineOptions(flags=list(arguments))


def pipeline(engine: Beam) -> Any:
    """Return a `beam.Pipeline` for an engine.

    DirectRunner, Beam's default, would download Prism; Beam's FnApiRunner takes its place, which
    DirectRunner used before and which reads the same flags.
    """
    import apache_beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    runner = FnApiRunner() if engine.in_process else None
    return apache_beam.Pipeline(runner=runner, options=options(engine.arguments))


def validate(arguments: Sequence[str], where: str, faults: Faults) -> None:
    """Add what Beam itself finds wrong, the flags that nobody knows, and a job server that is gone.

    Args:
        arguments: checked by `beam_arguments.check` before.
        where: what the list is called in an error.
        faults: gets everything that is wrong; values of flags are in it only where Beam says them.
    """
    try:
        parsed = options(arguments)
        unknown = _unknown(arguments)
    except SystemExit:  # argparse's; its reason is on standard error.
        faults.add(f"{where}: Beam cannot read a flag's value; the lines above say which")
        return
    for fault in _beams_own(parsed, arguments):
        faults.add(f"{where}: {fault}")
    for flag, meant in unknown.items():
        _judge_unknown(flag, meant, arguments, where, faults)
    _check_answers(arguments, where, faults)


def _beams_own(parsed: Any, arguments: Sequence[str]) -> list[str]:
    from apache_beam.options.pipeline_options import StandardOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    name = parsed.view_as(StandardOptions).runner
    if Beam(tuple(arguments)).in_process:
        name = "FnApiRunner"
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        return [f"--runner={shown(name)}: {' '.join(str(error).split())}"]
    return list(PipelineOptionsValidator(parsed, runner).validate())


def _unknown(arguments: Sequence[str]) -> dict[str, str]:
    """Return flag that no part of Beam knows -> the one that was meant, or ""."""
    parser = private_beam.parser_of_all_options()
    flags_of_beam = private_beam.flags(parser)
    _, left = parser.parse_known_args(list(arguments))
    flags = [one.partition("=")[0] for one in left if one.startswith("-")]
    return {
        flag: (difflib.get_close_matches(flag, flags_of_beam, 1, _NEAR) or [""])[0]
        for flag in flags
    }


def _judge_unknown(
    flag: str, meant: str, arguments: Sequence[str], where: str, faults: Faults
) -> None:
    """Refuse a flag that nobody knows, or that is a slip; a job server may know others."""
    if meant:
        faults.add(f"{where}: {flag} is no flag of Beam's, did you mean {meant}?")
    elif beam_arguments.runner(arguments) in beam_arguments.PORTABLE:
        LOGGER.info("Beam does not know %s; the job server is asked for it.", flag)
    else:
        faults.add(f"{where}: {flag} is no flag of Beam's, which would drop it without a word")


def _check_answers(arguments: Sequence[str], where: str, faults: Faults) -> None:
    """Add a fault if nobody answers at the job server's address; Beam would wait five minutes."""
    endpoint = beam_arguments.options(arguments).get("job_endpoint", "")
    host, _, port = endpoint.rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or error
        faults.add(f"{where}: nobody answers at --job_endpoint={shown(endpoint)}: {reason}")

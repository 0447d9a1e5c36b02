"""Follows a run in the terminal until it has ended: what `submit` and `runs watch` do."""

from kanaria.components.shared.command_line import Stopped, say, tell
from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.submit import run_lines
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.server_runs import Finished, Run, wait


def follow(run: Run, server: Server) -> int:
    """Show a run until it has ended; return the exit code, that of its outcome.

    Raises:
        KanariaError: the run cannot be watched any longer; its link is named.
    """
    goes_on = f"the run may go on: {run.link}"
    try:
        finished = wait(run, server)
    except Stopped as stop:
        host = f" --host {server.host}"
        say(f"\nno longer waiting; {goes_on}")
        say(f"to stop it: kanaria runs cancel {run.run_id}{host}")
        say(f"to go on waiting: kanaria runs watch {run.run_id}{host}")
        return stop.code
    except KanariaError as error:
        say("")  # Ends the line that shows the seconds passing.
        raise type(error)(f"{error}; {goes_on}") from error
    tell_end(finished, run)
    return finished.outcome.value


def tell_end(finished: Finished, run: Run) -> None:
    """Write how a run ended, and what failed."""
    for line in run_lines.ending(finished):
        say(line)
    for line in run_lines.failures(finished, run.link):
        tell(line)

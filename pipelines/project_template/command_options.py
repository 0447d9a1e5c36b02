"""The command `kanaria init`."""

import argparse
from pathlib import Path
from typing import Any

from kanaria.components.shared.command_line import say, tell, typed


def _init(options: argparse.Namespace) -> int:
    from kanaria.pipelines.project_template import create_project

    folder = Path(options.folder)
    name = create_project.create(folder)
    say(f"{name} is made, with an example that works; its README.md says what to change. Next:")
    here = folder.absolute().resolve() == Path.cwd()
    for command in (*(() if here else (f"cd {typed(folder)}",)), "make test", "make run"):
        say(f"  {command}")
    for variable, python in create_project.interpreters().items():
        if not python.is_file():
            tell(f"note: no Python at {python}, which make needs: install it, or name {variable}")
    return 0


def add_init(commands: Any) -> None:
    """Add `init` to the command line."""
    text = "make a repository for a model of your own"
    init = commands.add_parser(
        "init",
        help=text,
        description=f"{text}: module, schema, thresholds, policy, tests, Makefile and a workflow "
        "of GitHub Actions, with an example that works at once",
    )
    init.add_argument(
        "folder", help="a new folder, or an empty one; its name is that of the project and service"
    )
    init.set_defaults(command=_init)

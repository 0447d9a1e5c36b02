"""The settings of all steps, from a file, the command line or Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError, shown

ALL = "all"
"""Name of the settings that every step gets, under its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """What is said of steps, as it was written; it is checked with the pipeline it is for.

    Attributes:
        where: what the user calls it, for errors: its file.
        steps: name of a step, or `all` -> its settings.
        every: what every step gets besides, over `all`; from the command line.
    """

    where: str = "resources"
    steps: Mapping[str, Any] = field(default_factory=dict)
    every: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Resources()


def of(steps: object, where: str = "resources") -> Resources:
    """Return settings as Python has them, in the words of the file.

    Args:
        steps: name of a step, or `all` -> its settings. A name may be written with '_' or '-'.
        where: what errors call it.

    Raises:
        ParameterError: it is no mapping.
    """
    if not isinstance(steps, Mapping):
        raise ParameterError(f"{where}: {shown(steps)}: write a mapping of steps to their settings")
    odd = [name for name in steps if not isinstance(name, str)]
    if odd:
        raise ParameterError(f"{where}: {shown(odd)}: a step's name is text")
    return Resources(where=where, steps=steps)


def read(path: str | Path) -> Resources:
    """Read a file of settings; an empty one says nothing.

    Raises:
        ParameterError: it cannot be read, or is no YAML with a mapping.
    """
    content = yaml_text.read(Path(path))
    return of({} if content is None else content, str(path))


def from_options(
    file: str = "",
    env_from_secret: Iterable[Mapping[str, Any]] = (),
    mounts: Iterable[Mapping[str, Any]] = (),
) -> Resources:
    """Return what the command line says: a file, and over it what every step gets.

    Args:
        file: of settings; "" for none.
        env_from_secret: items of `envFrom`.
        mounts: items of `volumes`.

    Raises:
        ParameterError: the file cannot be read, or is no YAML with a mapping.
    """
    settings = read(file) if file else NOTHING
    said = {"envFrom": list(env_from_secret), "volumes": list(mounts)}
    return replace(settings, every={name: items for name, items in said.items() if items})

"""A pipeline's arguments: from a config file and --set, checked all at once, files published."""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.keys import Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.pipelines import mapping_parameters
from kanaria.pipelines.local import parameter_types
from kanaria.pipelines.local.cache import FILE_SUFFIX
from kanaria.pipelines.local.plan import Plan

FILE_ENDINGS = (".py", ".pbtxt", ".pb", ".json", ".yaml", ".yml", ".txt")
"""What makes a text without a slash a file's name and not an importable module's."""
ABSENT = "no such file; a config's paths begin in its folder, those of --set in the current one"


def from_config(path: Path) -> dict[str, Any]:
    """Read parameters from a YAML file; `*_file` paths in it are relative to its folder.

    Raises:
        ParameterError: the file cannot be read, or is no YAML mapping.
    """
    values = yaml_text.read(path)
    if values is None:
        raise ParameterError(f"{path}: the file is empty; write `parameter: value` lines")
    if not isinstance(values, dict):
        raise ParameterError(f"{path}: {shown(values)}: write `parameter: value` lines")
    return {name: _beside(name, value, path.parent) for name, value in values.items()}


def _beside(name: str, value: Any, folder: Path) -> Any:
    is_path = name.endswith(FILE_SUFFIX) and isinstance(value, str)
    return str(folder / value) if is_path and _is_file(folder / value) else value


def _is_file(path: Path) -> bool:
    """Tell whether there is such a file; a text that is too long for a name names none."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise ParameterError(f"{shown(str(path))}: {error.strerror}") from error


def from_settings(
    settings: Sequence[str], plan: Plan, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read `name=value` settings over values; a value is YAML unless the parameter is text.

    A dotted name sets one key of a mapping and leaves the others: `service.name=tips`.

    Raises:
        ParameterError: a setting has no "=", or leads into what is no mapping.
    """
    merged = dict(values or {})
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ParameterError(f"--set {shown(setting)}: write name=value")
        path, kind = mapping_parameters.place(name, plan)
        definition = plan.parameters.get(path[0], {})
        if len(path) == 1 or definition.get("parameterType") != "STRUCT":
            is_text = plan.parameters.get(name, {}).get("parameterType") == "STRING"
            path = [name]
        else:
            is_text = kind in (Kind.TEXT, Kind.QUANTITY, Kind.SETTING)
        value = text if is_text else yaml_text.parse(text, f"--set {name}")
        merged = _with(merged, path, value, name)
    return merged


def _with(values: Mapping[str, Any], path: Sequence[str], value: Any, name: str) -> dict[str, Any]:
    """Return the values with one of them, or a key in one, set."""
    first, *rest = path
    if not rest:
        return {**values, first: value}
    inner = values.get(first) or {}
    if not isinstance(inner, dict):
        raise ParameterError(
            f"--set {name}: {first}={shown(inner)} is no mapping; give the whole of it"
        )
    return {**values, first: _with(inner, rest, value, name)}


def of_command_line(config: str, settings: Sequence[str], plan: Plan) -> dict[str, Any]:
    """Return what a command line gives: the config file, "" for none, and the settings over it."""
    return from_settings(settings, plan, from_config(Path(config)) if config else {})


def _names_no_file(name: str, value: Any) -> bool:
    """Tell whether a `*_file` value can only be a path here, and there is no such file."""
    if not name.endswith(FILE_SUFFIX) or not isinstance(value, str) or "://" in value:
        return False
    return ("/" in value or value.endswith(FILE_ENDINGS)) and not _is_file(Path(value))


def checked(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all the pipeline's parameters, defaults filled in.

    Raises:
        ParameterError: names are unknown, types are wrong, values or files are missing; all at
            once.
    """
    faults = Faults(plan.name)
    for name, value in values.items():
        if name not in plan.parameters:
            meant = mapping_parameters.meant(name, plan)
            listed = "no such parameter; `kanaria run PIPELINE --help` lists them"
            faults.check(False, name, value, f"did you mean {meant}?" if meant else listed)
            continue
        remedy = parameter_types.fault(value, plan.parameters[name])
        faults.check(not remedy, name, value, remedy)
        faults.check(not _names_no_file(name, value), name, value, ABSENT)
    mapping_parameters.check(plan, values, faults)
    if too_large := parameter_types.too_large(values):
        faults.add(too_large)
    for name, definition in plan.parameters.items():
        if name not in values and not definition.get("isOptional"):
            faults.add(f"{name} is missing; set it in the config or with --set {name}=...")
    faults.raise_if_any()
    optional = {n: d for n, d in plan.parameters.items() if "defaultValue" in d}
    defaults = {name: parameter_types.default_of(one) for name, one in optional.items()}
    return {**defaults, **values}


def with_published_files(values: Mapping[str, Any], store: Path) -> dict[str, Any]:
    """Copy each file named by a `*_file` parameter, also a remote one, to `store/<hash>/<name>`.

    The returned path names the content, so a changed file is another value.

    Raises:
        DataError: there is no such remote file.
        NotReadyError: its store does not answer.
    """
    return {
        name: _content_named(value, store)
        if name.endswith(FILE_SUFFIX) and isinstance(value, str) and not _is_published(value, store)
        else value
        for name, value in values.items()
    }


def _is_published(value: str, store: Path) -> bool:
    return not uri_files.is_remote(value) and Path(value).is_relative_to(store.resolve())


def _content_named(value: str, store: Path) -> str:
    if not uri_files.is_remote(value):
        return _published(Path(value), store) if _is_file(Path(value)) else value
    with uri_files.opened(value) as path:
        return _published(path, store)


def _published(path: Path, store: Path) -> str:
    content = fingerprint.of_file(path)
    target = store / content[:16] / path.name
    if not target.is_file() or fingerprint.of_file(target) != content:  # Absent, or damaged.
        with atomic.published(target) as temporary:
            temporary.write_bytes(path.read_bytes())
    return str(target.resolve())

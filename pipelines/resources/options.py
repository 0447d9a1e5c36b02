"""The options that say what steps get; the rest is loaded when one of them is given."""

import argparse
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.errors import shown

if TYPE_CHECKING:
    from kanaria.pipelines.resources.settings_of_steps import Resources


def add_resources(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    group = parser.add_argument_group("pods of the steps", "settings of steps stand in the file")
    group.add_argument(
        "--resources",
        default="",
        metavar="FILE",
        help="YAML: CPU, memory, GPUs, nodes, retries, volumes and more of each step",
    )
    group.add_argument(
        "--env-from-secret",
        action="append",
        default=[],
        type=_secret,
        metavar="NAME[=PREFIX]",
        help="give all steps the variables that they read of a Secret",
    )
    group.add_argument(
        "--mount-secret",
        action="append",
        default=[],
        type=_secret_volume,
        metavar="NAME=/PATH",
        help="give all steps a Secret as files",
    )
    group.add_argument(
        "--mount-pvc",
        action="append",
        default=[],
        type=_claim,
        metavar="NAME=/PATH[:SUBPATH]",
        help="mount a PersistentVolumeClaim in all steps",
    )


def of_options(options: argparse.Namespace) -> "Resources":
    """Return what the options say.

    Raises:
        ParameterError: the file cannot be read, or is no YAML with a mapping.
    """
    from kanaria.pipelines.resources.settings_of_steps import from_options

    mounts = [*options.mount_secret, *options.mount_pvc]
    return from_options(options.resources, options.env_from_secret, mounts)


def _checked(text: str, form: str, field: str, item: dict[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    from kanaria.pipelines.resources.settings import Settings
    from kanaria.pipelines.resources.settings_parser import fault_texts

    try:
        Settings.model_validate({field: [item]})
    except ValidationError as error:
        faults = "; ".join(fault_texts(error))
        raise argparse.ArgumentTypeError(f"{shown(text)}: write {form}: {faults}") from error
    return item


def _secret(text: str) -> dict[str, Any]:
    name, _, prefix = text.partition("=")
    item = {"secretRef": {"name": name}, **({"prefix": prefix} if prefix else {})}
    return _checked(text, "NAME or NAME=PREFIX", "envFrom", item)


def _secret_volume(text: str) -> dict[str, Any]:
    name, _, path = text.partition("=")
    item = {"mountPath": path, "secret": {"secretName": name}}
    return _checked(text, "NAME=/PATH", "volumes", item)


def _claim(text: str) -> dict[str, Any]:
    name, _, place = text.partition("=")
    path, colon, inner = place.partition(":")
    item: dict[str, Any] = {"mountPath": path, "persistentVolumeClaim": {"claimName": name}}
    if colon:
        item["subPath"] = inner
    return _checked(text, "NAME=/PATH or NAME=/PATH:SUBPATH", "volumes", item)

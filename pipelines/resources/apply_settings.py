"""Settings of steps in a compiled pipeline. Pure, but for kfp's compiler, which writes a file."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.resources import (
    combined_settings,
    executor_writer,
    kfp_task,
    settings_parser,
)
from kanaria.pipelines.resources.pod_tasks import Leaf, check_names, leaves, spelled
from kanaria.pipelines.resources.settings import Settings
from kanaria.pipelines.resources.settings_merge import merged
from kanaria.pipelines.resources.settings_of_steps import ALL, Resources


def applied(documents: list[Any], resources: Resources) -> list[Any]:
    """Return the documents of a compiled pipeline with the settings of its steps.

    Args:
        documents: the pipeline, then its platform's if there is one; they stay as they are.
        resources: what is said of steps.

    Raises:
        ParameterError: settings are wrong, or of no step; all at once. Or the pipeline was changed
            by hand and has no steps that could be read.
    """
    if not resources.steps and not resources.every:
        return documents
    document, *others = copy.deepcopy(documents)
    with _as_compiled():
        pod_tasks = leaves(document)
    faults = Faults(resources.where)
    settings = _checked(resources, pod_tasks, faults)
    faults.raise_if_any()
    steps = list(zip(pod_tasks, _forms(settings), strict=True))
    platform: dict[str, Any] = next(filter(_is_platform, others), {"platforms": {}})
    with _as_compiled():
        executor_writer.write(document, platform, steps)
        combined_settings.check(document, platform, [leaf for leaf, form in steps if form], faults)
    faults.raise_if_any()
    rest = [one for one in others if one is not platform]
    return [document, *([platform] if platform["platforms"] else []), *rest]


def _is_platform(document: Any) -> bool:
    return isinstance(document, Mapping) and "platforms" in document


@contextmanager
def _as_compiled() -> Iterator[None]:
    """Tell of a pipeline that lacks what every compiled one has."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"pipeline: it was changed by hand, and lacks or misplaces {shown(error)}; compile it "
            "anew"
        ) from error


def _checked(resources: Resources, pod_tasks: list[Leaf], faults: Faults) -> list[Settings | None]:
    """Return the settings of each step, None where nothing is said."""
    steps = resources.steps
    check_names(steps, pod_tasks, faults)
    said = {
        spelled(name): settings_parser.checked(name, one, faults) for name, one in steps.items()
    }
    every = settings_parser.checked(ALL, merged(said.get(ALL, {}), resources.every), faults)
    if _accelerators(steps.get(ALL)):
        faults.add(f"{ALL}: every step would hold an accelerator; write it for those that use one")
    settings = []
    for leaf in pod_tasks:
        own = next((said[name] for name in sorted(leaf.names) if name in said), {})
        if leaf.is_control and _accelerators(own):
            faults.add(f"{leaf.name}: its image computes nothing on an accelerator; leave it out")
        settings.append(_together(leaf, merged(every, own), faults))
    return settings


def _accelerators(said: Any) -> bool:
    """Tell whether settings, which may have faults, ask for an accelerator."""
    amounts = said.get("resources") if isinstance(said, Mapping) else None
    kinds = amounts.values() if isinstance(amounts, Mapping) else ()
    return any("/" in str(name) for kind in kinds if isinstance(kind, Mapping) for name in kind)


def _together(leaf: Leaf, said: Mapping[str, Any], faults: Faults) -> Settings | None:
    """Return what all steps and this one get, which may not go together."""
    try:
        return Settings.model_validate(said) if said else None
    except ValidationError as error:
        for fault in settings_parser.fault_texts(error):
            faults.add(f"{leaf.name}, with what {ALL} says: {fault}")
        return None


def _forms(settings: list[Settings | None]) -> list[kfp_task.Form | None]:
    """Return what kfp makes of settings; equal ones are compiled once."""
    forms: dict[str, kfp_task.Form] = {}
    for one in settings:
        if one and one.model_dump_json() not in forms:
            forms[one.model_dump_json()] = kfp_task.compiled(one)
    return [forms[one.model_dump_json()] if one else None for one in settings]

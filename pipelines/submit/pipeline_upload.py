"""Uploads pipelines, so that they stand in the server's list for whoever starts runs there."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.compiled_pipelines import NAMES, documents
from kanaria.pipelines.local.plan import is_compiled
from kanaria.pipelines.resources.pod_tasks import Leaf, check_names, leaves, spelled
from kanaria.pipelines.resources.settings_of_steps import ALL, NOTHING, Resources
from kanaria.pipelines.submit import pipeline_package
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.pipeline_package import Package

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """One pipeline on the server.

    Attributes:
        pipeline: as it was asked for.
        version: name of its version, after the content.
        link: address of its page.
        is_new: whether this call uploaded it; else the server had this very content.
    """

    pipeline: str
    version: str
    link: str
    is_new: bool


class UploadError(ParameterError):
    """Some pipelines could not be uploaded; the message says which and why.

    Attributes:
        faults: pipeline -> why.
    """

    def __init__(self, faults: dict[str, str]) -> None:
        """Name what failed; equal reasons are told once."""
        self.faults = faults
        super().__init__("; ".join(self.lines))

    @property
    def lines(self) -> list[str]:
        """One line for each reason, with all pipelines that it concerns."""
        concerned: dict[str, list[str]] = {}
        for pipeline, reason in self.faults.items():
            concerned.setdefault(reason, []).append(pipeline)
        return [f"{', '.join(names)}: {reason}" for reason, names in concerned.items()]


def upload(
    pipelines: Sequence[str] = NAMES,
    *,
    server: Server,
    image_prefix: str = "",
    resources: Resources = NOTHING,
    show: Callable[[Uploaded], None] = lambda _: None,
) -> list[Uploaded]:
    """Upload pipelines as versions named by their content; one that fails does not stop the others.

    Args:
        pipelines: names of pipelines of this package, by default all, or paths of compiled .yaml
            files.
        server: where to.
        image_prefix: registry and path of Kanaria's images; "" for none.
        resources: what steps get beside what the pipelines say; each pipeline takes what is said
            of its own steps.
        show: called with each as soon as it is there.

    Returns:
        What is on the server now, in the order asked for.

    Raises:
        ParameterError: something is said of a step that no pipeline has; nothing is uploaded.
        UploadError: some could not be read, or the server refused them; the others are there.
        NotReadyError: the server does not answer; those shown are there.
    """
    faults: dict[str, str] = {}
    packages = dict(_read(dict.fromkeys(pipelines), image_prefix, resources, faults))
    for remark in dict.fromkeys(one for read in packages.values() for one in read.remarks):
        logger.warning("%s", remark)
    done: list[Uploaded] = []
    for name, read in packages.items():
        try:
            done.append(_uploaded(name, read, server))
        except ParameterError as error:
            faults[name] = str(error)
            continue
        show(done[-1])
    if faults:
        raise UploadError(faults)
    return done


def _read(
    pipelines: Iterable[str], image_prefix: str, resources: Resources, faults: dict[str, str]
) -> Iterator[tuple[str, Package]]:
    """Yield the pipelines that can be read, and note why the others cannot."""
    steps = {name: _steps(name) for name in pipelines}
    wrong = Faults(resources.where)
    if any(steps.values()):
        check_names(resources.steps, [leaf for leaves in steps.values() for leaf in leaves], wrong)
    wrong.raise_if_any()
    for name, own in steps.items():
        said = _of(resources, own)
        try:
            yield name, pipeline_package.read(name, image_prefix=image_prefix, resources=said)
        except ParameterError as error:
            faults[name] = str(error)


def _steps(pipeline: str) -> list[Leaf]:
    """Return the steps of a pipeline; none where it cannot be read, as whoever reads it tells."""
    try:
        document: Any = next(iter(documents(pipeline)), None)
        return leaves(document) if is_compiled(document) else []
    except (ParameterError, KeyError, TypeError, AttributeError):
        return []


def _of(resources: Resources, steps: Sequence[Leaf]) -> Resources:
    """Return what is said of the steps of one pipeline."""
    names = {ALL, *(name for leaf in steps for name in leaf.names)}
    said = {name: one for name, one in resources.steps.items() if spelled(name) in names}
    return replace(resources, steps=said)


def _uploaded(pipeline: str, package: Package, server: Server) -> Uploaded:
    version: Any = server.version(package)
    return Uploaded(
        pipeline=pipeline,
        version=version.name,
        link=server.pipeline_link(version),
        is_new=version.uploaded,
    )

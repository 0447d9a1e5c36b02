"""Uploads pipelines, so that they stand in the server's list for whoever starts runs there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.compiled import NAMES
from kanaria.pipelines.submit import package
from kanaria.pipelines.submit.client import Server
from kanaria.pipelines.submit.package import Package


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
    show: Callable[[Uploaded], None] = lambda _: None,
) -> list[Uploaded]:
    """Upload pipelines as versions named by their content; one that fails does not stop the others.

    Args:
        pipelines: names of pipelines of this package, by default all, or paths of compiled .yaml
            files.
        server: where to.
        image_prefix: registry and path of Kanaria's images; "" for none.
        show: called with each as soon as it is there.

    Returns:
        What is on the server now, in the order asked for.

    Raises:
        UploadError: some could not be read, or the server refused them; the others are there.
        NotReadyError: the server does not answer; those shown are there.
    """
    done: list[Uploaded] = []
    faults: dict[str, str] = {}
    for name in dict.fromkeys(pipelines):
        try:
            done.append(_uploaded(name, package.read(name, image_prefix=image_prefix), server))
        except NotReadyError:  # It would be the same for all that follow.
            raise
        except ParameterError as error:
            faults[name] = str(error)
            continue
        show(done[-1])
    if faults:
        raise UploadError(faults)
    return done


def _uploaded(pipeline: str, found: Package, server: Server) -> Uploaded:
    version: Any = server.version(found)
    return Uploaded(
        pipeline=pipeline,
        version=version.name,
        link=server.pipeline_link(version),
        is_new=version.uploaded,
    )

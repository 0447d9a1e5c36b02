"""The compiled pipeline as it is uploaded."""

import hashlib
from dataclasses import dataclass
from typing import Any

import yaml

from kanaria.pipelines.compile import with_prefix
from kanaria.pipelines.local import plan
from kanaria.pipelines.local.plan import Plan

DIGITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A pipeline ready for upload.

    Attributes:
        plan: its name, parameters and tasks.
        text: YAML; all documents of it, since the second one configures the platform.
    """

    plan: Plan
    text: str

    @property
    def version(self) -> str:
        """Return the version's name, which the content alone decides."""
        return f"sha256-{hashlib.sha256(self.text.encode()).hexdigest()[:DIGITS]}"


def _without_caching(document: dict[str, Any]) -> None:
    """Let every task of the pipeline and of its conditions run anew."""
    dags = [document["root"]["dag"]]
    dags += [part["dag"] for part in document.get("components", {}).values() if "dag" in part]
    for dag in dags:
        for task in dag["tasks"].values():
            task["cachingOptions"] = {}


def package(documents: list[dict[str, Any]], image_prefix: str, *, cached: bool = True) -> Package:
    """Return the package of a compiled pipeline.

    Args:
        documents: of the compiled YAML, the pipeline first.
        image_prefix: registry and path of Kanaria's images, "" to leave them.
        cached: False lets every task run anew; KFP decides that by the pipeline, not by the run.

    Raises:
        ParameterError: it is no compiled pipeline.
    """
    found = plan.read(documents[0])
    document = with_prefix(documents[0], image_prefix)
    if not cached:
        _without_caching(document)
    text = yaml.safe_dump_all([document, *documents[1:]], sort_keys=True, width=100)
    return Package(plan=found, text=text)

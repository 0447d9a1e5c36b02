"""Queries as data: which PromQL gives the raw counters of a revision, by what counts requests."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.rollout.observations.observation_source import Revisions

OWN = Path(__file__).with_name("queries.yaml")
PLACEHOLDERS = frozenset({"namespace", "service", "revision"})
PART = "kanaria_part"
"""Label that tells the results of the expressions apart."""
PARTS = ("sampled", "started", "requests", "errors", "refused", "buckets")
"""Its values: the fields of a QuerySet that are expressions."""
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"


def _expression(text: str) -> str:
    template = Template(text)
    remedy = f"use $namespace, $service, $revision, and $$ for a $: {shown(text)}"
    if not text.strip():
        raise ValueError("write a PromQL expression")
    if not template.is_valid():
        raise ValueError(f"a $ names nothing; {remedy}")
    if unknown := sorted(set(template.get_identifiers()) - PLACEHOLDERS):
        raise ValueError(f"unknown {', '.join(f'${name}' for name in unknown)}; {remedy}")
    return text


def _of_revision(text: str) -> str:
    if "revision" not in Template(_expression(text)).get_identifiers():
        raise ValueError("both revisions would show the same numbers; select by $revision")
    return text


Expression = Annotated[str, AfterValidator(_expression)]
OfRevision = Annotated[str, AfterValidator(_of_revision)]


class QuerySet(BaseModel):
    """The expressions for one thing that counts requests; `queries.yaml` says what each gives."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    replica: Annotated[str, Field(pattern=f"^{LABEL}$")]
    unit: Literal["seconds", "milliseconds", "microseconds"]
    sampled: Expression
    started: Expression | None = None
    requests: OfRevision
    errors: OfRevision
    refused: OfRevision | None = None
    buckets: OfRevision | None = None

    def query(self, revisions: Revisions, revision: str) -> str:
        """Return one expression for all of them, so that one evaluation sees one moment.

        Each result has its own value of the label PART: the name of the field here.
        """
        names = {
            "namespace": revisions.namespace,
            "service": revisions.service,
            "revision": revision,
        }
        return "\nor\n".join(
            f'label_replace((\n{Template(text).substitute(names)}\n), "{PART}", "{part}", "", "")'
            for part in PARTS
            if (text := getattr(self, part)) is not None
        )


def choose(name: str, path: Path = OWN) -> QuerySet:
    """Return the set `name` of a file of queries, by default Kanaria's own.

    Raises:
        ParameterError: the file is wrong (see `read`), or has no such set.
    """
    sets = read(path)
    if name not in sets:
        raise ParameterError(f"{path}: has no queries {shown(name)}; use {', '.join(sets)}")
    return sets[name]


def read(path: Path = OWN) -> Mapping[str, QuerySet]:
    """Return the sets of a file by name.

    Raises:
        ParameterError: the file cannot be read; one line names every fault of it.
    """
    faults, document = Faults(str(path)), yaml_text.read(path)
    try:
        return TypeAdapter(dict[str, QuerySet]).validate_python(document)
    except ValidationError as error:
        add_invalid(faults, error)
    faults.raise_if_any()
    raise AssertionError("every fault was raised")

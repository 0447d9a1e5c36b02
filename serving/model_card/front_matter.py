"""The YAML before a model card, in the Hub of Hugging Face's form. Pure.

The Hub verifies `license`, `datasets` and `model-index` where they are there, so what is not known
is left out: a list with null in it, or an unknown licence, would be refused as a whole.
"""

import re
from typing import Any

import yaml

from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.one_line import one_line
from kanaria.serving.card_fields import NO_TASK
from kanaria.serving.model_card.card import Card
from kanaria.serving.model_card.card_sections import COUNT, NO_NUMBER, number

LICENSES = (
    "afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 "
    "bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc "
    "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 "
    "cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 "
    "creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gfdl gpl gpl-2.0 gpl-3.0 "
    "isc lgpl lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail "
    "openrail++ osl-3.0 pddl postgresql unknown unlicense wtfpl zlib "
)
"""Licences that the Hub knows; others are `other` with a name. It knows some of vendors besides."""
OTHER = "other"
LONGEST_NAME = 96
"""Characters of a name on the Hub."""
INTERVAL = "confidence_interval_95"


def render(card: Card) -> str:
    """Return the metadata between its two lines of `---`."""
    text = yaml.safe_dump(
        metadata(card), allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
    )
    return f"---\n{text}---\n"


def metadata(card: Card) -> dict[str, Any]:
    """Return the metadata as plain values: finite numbers, and texts of one line."""
    fields = card.fields
    metrics = _metrics(card)
    training = card.record.origin.get("training")
    framework = training.get("framework", "") if isinstance(training, dict) else ""
    tags = ["kanaria", *([one_line(framework)] if framework else [])]
    results = [{"task": _task(card), "dataset": _dataset(card), "metrics": metrics}]
    index = {"model-index": [{"name": _name(card), "results": results}]} if metrics else {}
    return {
        **_license(fields.license, fields.license_url),
        "tags": tags,
        **({"pipeline_tag": fields.task} if fields.task != NO_TASK else {}),
        **({"datasets": [one_line(name) for name in fields.datasets]} if fields.datasets else {}),
        **({"metrics": [metric["type"] for metric in metrics]} if metrics else {}),
        **index,
    }


def _license(name: str, address: str) -> dict[str, str]:
    """Return the licence by the Hub's identifier, or as another one with its name."""
    if not name:
        return {}
    link = {"license_link": address} if address else {}
    identifier = name.strip().lower()
    if identifier in LICENSES.split():
        return {"license": identifier, **link}
    return {"license": OTHER, "license_name": _slug(name), **link}


def _slug(text: str) -> str:
    """Return a text as a name of letters, digits, `-`, `.` and `_`; "unnamed" for none of these."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-.")[:LONGEST_NAME] or "unnamed"


def _name(card: Card) -> str:
    return f"{_slug(card.record.service)}-{_slug(card.name)}"


def _task(card: Card) -> dict[str, str]:
    return {"type": card.fields.task}


def _dataset(card: Card) -> dict[str, Any]:
    """Return the data that the metrics were measured on; its type is a name of the Hub's form."""
    origin = card.record.origin
    names = card.fields.datasets
    span = str(origin.get("data_span", ""))
    digest = str(origin.get("data", "")).partition(PIN)[2]
    split = card.metrics.split if card.metrics else ""
    kind = names[0] if names else card.record.service
    shown = " ".join(part for part in (one_line(kind), one_line(span)) if part)
    facts = {"type": _slug(kind), "name": shown, "split": one_line(split), "revision": digest}
    return {name: value for name, value in facts.items() if value}


def _metrics(card: Card) -> list[dict[str, Any]]:
    """Return the metrics over all rows that are numbers, each with its interval."""
    values = card.metrics.values if card.metrics else ()
    return [
        _metric(value.metric, value.candidate, value.candidate_interval)
        for value in values
        if not value.slice and value.metric != COUNT and number(value.candidate) != NO_NUMBER
    ]


def _metric(name: str, value: float | None, interval: tuple[float, float] | None) -> dict[str, Any]:
    metric = {"type": one_line(name), "value": value, "name": one_line(name)}
    return {**metric, "args": {INTERVAL: list(interval)}} if interval else metric

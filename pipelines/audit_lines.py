"""An audit trail as a person reads it. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.one_line import one_line
from kanaria.components.shared.times import clock
from kanaria.serving.audit.chain import Chain, Link
from kanaria.serving.audit.entry import Entry, to_json

INDENT = "    "
MOST_FAULTS = 10
"""That are told; more say no more."""
FACTS = (
    "release",
    "pipeline",
    "data_span",
    "trigger",
    "rollout",
    "revision",
    "percent",
    "canary_percent",
)
"""Numbers of an entry that are told by their names, in this order."""


def lines(service: str, chain: Chain, lacking: Sequence[Entry]) -> Iterator[str]:
    """Yield the trail, oldest entry first, and what is decided and not in it yet.

    Args:
        service: namespace/name.
        chain: its trail.
        lacking: decisions that are recorded elsewhere and not in the trail.
    """
    yield f"{service}: {_count(len(chain.links), 'entry', 'entries')}"
    for link in chain.links:
        yield from _entry(f"{link.number}", link.entry)
    for entry in lacking:
        yield from _entry("not in the trail yet:", entry)


def verdict(
    service: str, chain: Chain, lacking: Sequence[Entry], expected: str = ""
) -> Iterator[str]:
    """Yield what the verification of a trail without faults came to: its head, to note elsewhere.

    Args:
        service: namespace/name.
        chain: its trail.
        lacking: decisions that are recorded elsewhere and not in the trail.
        expected: hash of an entry, noted earlier; "" for none.
    """
    count = _count(len(chain.links), "entry", "entries")
    yield f"{service}: {count}, each follows from the one before; head {chain.head}"
    if place := chain.place_of(expected):
        later = _count(len(chain.links) - place, "entry", "entries")
        yield f"{service}: entry {place} has the hash that was noted; {later} since"
    if lacking:
        count = _count(len(lacking), "decision is", "decisions are")
        yield (
            f"{service}: {count} recorded with the rollouts and not in the trail: whoever writes "
            "next adds them; if the trail had them before, its end was cut off"
        )


def require_sound(service: str, chain: Chain, lacking: Sequence[Entry], expected: str) -> None:
    """Raise unless a trail is all that it should be; arguments as of `verdict`.

    Raises:
        DataError: it is damaged, with all faults, or has no entry with the hash that was noted.
        ParameterError: there is none, and nothing that should be in it.
    """
    faults = [*chain.faults]
    if chain.tail:
        size = len(chain.tail)
        faults.append(
            f"it ends in the middle of a line ({size} bytes): a writer died or it was cut"
        )
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        sentences = "; ".join([*faults[:MOST_FAULTS], *more])
        raise DataError(f"{service}: the audit trail is damaged: {sentences}")
    if expected and chain.place_of(expected) is None:
        raise DataError(
            f"{service}: no entry has the hash {expected}: the trail was cut off before it, "
            "written anew or removed, or the hash is another's"
        )
    if not (chain.links or lacking):
        raise ParameterError(
            f"{service}: no audit trail: nothing was pushed or rolled out; look at --namespace, "
            "--state"
        )


def documents(chain: Chain) -> Iterator[dict[str, Any]]:
    """Yield the entries as plain JSON values, each with its number and its hash."""
    yield from (_document(link) for link in chain.links)


def _document(link: Link) -> dict[str, Any]:
    return {"number": link.number, "hash": link.hash, **json.loads(to_json(link.entry))}


def _entry(number: str, entry: Entry) -> Iterator[str]:
    yield one_line(f"{number}  {clock(entry.when)}  {entry.what}  {entry.about}  by {entry.who}")
    if entry.why:
        yield INDENT + one_line(entry.why)
    yield from (INDENT + one_line(text) for text in _numbers(entry.numbers) if text)


def _numbers(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield ", ".join(f"{_name(name)} {numbers[name]}" for name in FACTS if name in numbers)
    yield ", ".join(
        f"{name} {numbers[name]['requests']:,} requests, {numbers[name]['errors']:,} errors"
        for name in ("canary", "stable")
        if name in numbers
    )
    yield from (gate["text"] for gate in numbers.get("gates", {}).values())
    yield from _evaluation(numbers.get("evaluation") or {})
    for check in numbers.get("checks", ()):
        findings = [*check["reasons"], *(f"{name} {n:g}" for name, n in check["numbers"].items())]
        yield (
            f"check {check['check']} {check['verdict']}"
            + ": " * bool(findings)
            + ", ".join(findings)
        )


def _evaluation(evaluation: Mapping[str, Any]) -> Iterator[str]:
    if evaluation:
        yield f"evaluated on {evaluation['rows']:,} rows of {evaluation['split']}"
    for name, measured in evaluation.get("metrics", {}).items():
        low, high = measured["low"], measured["high"]
        interval = "" if low is None or high is None else f" [{low:.4g}, {high:.4g}]"
        yield f"{name} {measured['value']:.4g}{interval}"


def _name(name: str) -> str:
    return name.replace("_", " ")


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"

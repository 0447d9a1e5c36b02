"""Compare and swap against an object in memory that others change in between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.traffic import compare_and_swap


def nothing(_: "Stored") -> None:
    pass


@dataclass
class Stored:
    """An object with a part, a status and a version; `between` happens before each write."""

    between: Callable[["Stored"], None] = nothing
    part: int = 10
    version: int = 1
    writes: list[int] = field(default_factory=list)

    def read(self) -> dict[str, Any]:
        return {"part": self.part, "version": self.version}

    def reports(self) -> None:
        self.version += 1

    def becomes(self, part: int) -> None:
        self.part, self.version = part, self.version + 1

    def write(self, before: dict[str, Any], wanted: int) -> None:
        self.writes.append(before["version"])
        self.between(self)
        if before["version"] != self.version:
            raise ConflictError("changed")
        self.becomes(wanted)

    def swap(self, wanted: int, before: dict[str, Any] | None = None) -> None:
        compare_and_swap.swap(
            before or self.read(),
            self.read,
            lambda one: one["part"],
            wanted,
            lambda one: self.write(one, wanted),
        )


def once(what: Callable[[Stored], None]) -> Callable[[Stored], None]:
    def between(stored: Stored) -> None:
        if len(stored.writes) == 1:
            what(stored)

    return between


def test_it_is_written_once_when_nothing_happens():
    stored = Stored()
    stored.swap(50)
    assert (stored.part, len(stored.writes)) == (50, 1)


def test_a_status_reported_in_between_does_not_matter():
    stored = Stored(once(Stored.reports))
    stored.swap(50)
    assert (stored.part, stored.writes) == (50, [1, 2])


def test_what_was_wanted_and_happened_in_between_is_fine():
    stored = Stored(once(lambda one: one.becomes(50)))
    stored.swap(50)
    assert (stored.part, len(stored.writes)) == (50, 1)


def test_what_somebody_else_has_changed_is_left_and_told():
    stored = Stored(once(lambda one: one.becomes(0)))
    with pytest.raises(ConflictError):
        stored.swap(50)
    assert (stored.part, len(stored.writes)) == (0, 1)


def test_a_part_that_seemed_to_be_as_wanted_in_an_old_answer_is_told_too():
    stored = Stored(part=10, version=2)
    with pytest.raises(ConflictError):
        stored.swap(0, before={"part": 0, "version": 1})


def test_an_object_that_never_rests_is_given_up():
    stored = Stored(Stored.reports)
    with pytest.raises(ConflictError):
        stored.swap(50)
    assert len(stored.writes) == compare_and_swap.ATTEMPTS


def test_a_field_that_somebody_else_owns_is_not_asked_for_again():
    calls = []

    def write(read_state: dict[str, Any]) -> None:
        calls.append(read_state)
        raise ConflictError("owned", frozenset({"kubectl"}))

    stored = Stored()
    with pytest.raises(ConflictError):
        compare_and_swap.swap(stored.read(), stored.read, lambda one: one["part"], 50, write)
    assert len(calls) == 1

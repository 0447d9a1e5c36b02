import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts.metadata import (
    LONGEST_NAME,
    MOST_BYTES,
    described,
    named,
    rows,
)
from kanaria.components.shared.artifacts.outcome import Outcome, Reason

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Artifact:
    """What kfp hands to a step, as far as it is written to."""

    def __init__(self) -> None:
        self.metadata: dict[str, object] = {}


def test_a_list_shows_what_tells_an_artifact_from_others_of_its_kind():
    assert named("examples", "2013-01", rows(15_000)) == "examples: 2013-01, 15,000 rows"
    assert named("examples", "", rows(1)) == "examples: 1 row"
    assert named("model_run") == "model_run"
    assert len(named("report", "x" * 1000)) == LONGEST_NAME


@given(st.dictionaries(st.text(), ANYTHING))
def test_metadata_is_plain_json_without_null_and_small(facts: dict[str, object]):
    metadata = described("examples", facts)
    text = json.dumps(metadata, allow_nan=False)
    assert len(text.encode()) < MOST_BYTES + 200
    assert "null" not in json.dumps(list(_values(metadata)))


def _values(value: object):
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _values(inner)
        else:
            yield inner is None and "null"


def test_what_is_small_stays_and_the_largest_is_counted():
    # The columns of a wide table alone would be more than a step's one argument may have.
    columns = {f"column_{number}": "string" for number in range(5000)}
    short = described("examples", {"columns": columns, "rows": {"train": np.int64(2)}, "span": "7"})
    assert short == {
        "display_name": "examples",
        "columns": "5000 entries",
        "rows": {"train": 2},
        "span": "7",
    }


def test_too_many_entries_lose_some_rather_than_all():
    metadata = described("model", {f"fact_{number}": number for number in range(1000)})
    assert 100 < len(metadata) < 1000


@pytest.mark.parametrize(("passed", "said"), [(True, "passed"), (False, "did not pass")])
def test_a_verdict_names_every_artifact_of_its_step(passed: bool, said: str):
    reasons = (Reason(severity="ERROR", subject="auc", kind="bound", text="auc is low"),)
    outcome, report = Artifact(), Artifact()
    verdict = Outcome(step="bless_model", passed=passed, reasons=() if passed else reasons)
    verdict.describe(outcome, report=report)
    assert outcome.metadata == {
        "display_name": f"outcome: bless_model {said}",
        "passed": passed,
        "summary": f"bless_model {said}" + ("" if passed else ": auc is low"),
    }
    assert report.metadata == {"display_name": f"report: bless_model {said}"}

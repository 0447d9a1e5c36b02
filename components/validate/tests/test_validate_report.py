"""One self-contained page below 2 MB, whatever the data holds."""

import re

import pytest

from kanaria.components.shared.outcome import Outcome, Reason
from kanaria.components.validate import report

HOSTILE = '"><script>alert(1)</script>'
PASSED = Outcome(step="validate_data", passed=True)


def failed(count: int, text: str = "too many") -> Outcome:
    reasons = [
        Reason(severity="ERROR", subject=f"x{i}", kind="K", text=text, split="train")
        for i in range(count)
    ]
    return Outcome(step="validate_data", passed=False, reasons=tuple(reasons))


@pytest.fixture(scope="module")
def wide(statistics_of) -> dict:
    columns = {f"number_{i}": [j * 1.7 for j in range(40)] for i in range(100)}
    columns |= {f"text_{i}": ["<&>" * 30 + str(j) for j in range(40)] for i in range(100)}
    return {name: statistics_of(columns) for name in ("train", "eval", "deployed train", "serving")}


def test_two_hundred_features_are_all_drawn_within_two_megabytes(wide: dict):
    splits = {name: wide[name] for name in ("train", "eval")}
    others = {name: wide[name] for name in ("deployed train", "serving")}
    page = report.render(report.VALIDATION, PASSED, splits, others)
    assert len(page.encode()) < 2_000_000
    assert all(f">{kind}_{i}<" in page for kind in ("number", "text") for i in range(100))
    assert page.count("<svg") > 300


def test_more_features_than_fit_are_counted(statistics_of):
    found = statistics_of({"x": [1, 2, 3]})
    model = found.datasets[0].features[0]
    for i in range(9_000):
        found.datasets[0].features.add().CopyFrom(model)
        found.datasets[0].features[-1].path.step[0] = f"{'long' * 20}{i}"
    page = report.render(report.VALIDATION, PASSED, {"train": found}, {})
    assert len(page.encode()) < 2_000_000
    assert re.search(r"\d+ more features are not shown", page)


def test_nothing_is_loaded_from_elsewhere(wide: dict):
    page = report.render(report.VALIDATION, PASSED, {"train": wide["train"]}, {})
    assert not re.search(r"(?i)(src|href)\s*=|https?://|@import|url\(", page)


def test_names_and_values_from_the_data_are_escaped(statistics_of):
    found = statistics_of({HOSTILE: [HOSTILE, "b"] * 9})
    page = report.render(
        report.VALIDATION, failed(3, HOSTILE), {HOSTILE: found}, {HOSTILE + "2": found}
    )
    assert "<script" not in page
    assert "&lt;script" in page


def test_anomalies_come_first_and_their_features_lead(statistics_of):
    found = statistics_of({"a": [1, 2], "x0": [1, 2]})
    page = report.render(report.VALIDATION, failed(1), {"train": found}, {})
    assert page.index("did not pass") < page.index("too many") < page.index("Features</h2>")
    assert page.index(">x0</span>") < page.index(">a</span>")


def test_a_flood_of_anomalies_is_cut_and_counted(statistics_of):
    page = report.render(
        report.VALIDATION, failed(20_000, "x" * 500), {"train": statistics_of({"a": [1]})}, {}
    )
    assert len(page.encode()) < 2_000_000
    assert "19700 more are in the outcome" in page


def test_a_feature_without_values_is_shown(statistics_of):
    page = report.render(
        report.VALIDATION, PASSED, {"train": statistics_of({"gone": [None, None], "a": [1, 2]})}, {}
    )
    assert "100.0%" in page
    assert "no values" in page

"""One self-contained page below 2 MB, whatever the data holds."""

import json
import re
import statistics

import pytest

from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.validate import report, schema_text
from kanaria.components.validate.comparators import Comparator, Distance
from kanaria.components.validate.report_data import Data

HOSTILE = '"><script>alert(1)</script>'
PASSED = Outcome(step="validate_data", passed=True)


def failed(count: int, text: str = "too many") -> Outcome:
    reasons = [
        Reason(severity="ERROR", subject=f"x{i}", kind="K", text=text, split="train")
        for i in range(count)
    ]
    return Outcome(step="validate_data", passed=False, reasons=tuple(reasons))


def rendered(splits: dict, baselines: dict | None = None, *, outcome=PASSED, distances=()) -> str:
    data = Data(splits=splits, baselines=baselines or {})
    return report.render(report.VALIDATION, outcome, data, distances)


def cells(page: str, feature: str) -> list[str]:
    """Return the texts of the cells of a feature's rows, its chart's left out."""
    bodies = re.sub(r"<figure.*?</figure>", "", page).split("<tbody>")
    (body,) = [
        body for body in bodies if re.match(f'<tr><td class="name".*?>{feature}</div>', body)
    ]
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", body)]


@pytest.fixture(scope="module")
def wide(statistics_of) -> dict:
    columns = {f"number_{i}": [j * 1.7 for j in range(40)] for i in range(100)}
    columns |= {f"text_{i}": ["<&>" * 30 + str(j) for j in range(40)] for i in range(100)}
    return {name: statistics_of(columns) for name in ("train", "eval", "deployed train", "serving")}


def test_two_hundred_features_are_all_drawn_within_two_megabytes(wide: dict):
    splits = {name: wide[name] for name in ("train", "eval")}
    others = {name: wide[name] for name in ("deployed train", "serving")}
    page = rendered(splits, others)
    assert len(page.encode()) < 2_000_000
    assert all(f">{kind}_{i}<" in page for kind in ("number", "text") for i in range(100))
    assert page.count("<figure") == 200


def test_more_features_than_fit_are_counted(statistics_of):
    computed = statistics_of({"x": [1, 2, 3]})
    model = computed.datasets[0].features[0]
    for i in range(9_000):
        computed.datasets[0].features.add().CopyFrom(model)
        computed.datasets[0].features[-1].path.step[0] = f"{'long' * 20}{i}"
    page = rendered({"train": computed})
    assert len(page.encode()) < 2_000_000
    assert re.search(r"\d+ more features are not shown", page)


def test_nothing_is_loaded_from_elsewhere(wide: dict):
    page = rendered({"train": wide["train"]})
    assert not re.search(r"(?i)(src|href)\s*=(?!.#)|https?://|@import|url\(", page)


def test_names_and_values_from_the_data_are_escaped(statistics_of):
    computed = statistics_of({HOSTILE: [HOSTILE, "b"] * 9})
    page = rendered({HOSTILE: computed}, {HOSTILE + "2": computed}, outcome=failed(3, HOSTILE))
    assert "<script>alert" not in page
    assert "&lt;script" in page
    (specs,) = re.findall(r'id="specs">(.*?)</script>', page)
    assert [HOSTILE, HOSTILE + "2"] in [spec["usermeta"]["names"] for spec in json.loads(specs)]


def test_anomalies_come_first_and_their_features_lead(statistics_of):
    computed = statistics_of({"a": [1, 2], "x0": [1, 2]})
    page = rendered({"train": computed}, outcome=failed(1))
    assert page.index("did not pass") < page.index("too many") < page.index("features</h2>")
    assert page.index(">x0</div>") < page.index(">a</div>")


def test_a_flood_of_anomalies_is_cut_and_counted(statistics_of):
    page = rendered({"train": statistics_of({"a": [1]})}, outcome=failed(20_000, "x" * 500))
    assert len(page.encode()) < 2_000_000
    assert "19700 more are in the outcome" in page


def test_a_feature_without_values_is_shown(statistics_of):
    page = rendered({"train": statistics_of({"gone": [None, None], "a": [1, 2]})})
    assert '<td>train</td><td class="number">0</td><td class="number">100</td>' in page
    assert "no values" in page


def test_the_numbers_of_a_feature_are_those_of_its_values(statistics_of):
    values = [0.0, 0.0, 3.0, 5.0, 7.0]
    page = rendered({"train": statistics_of({"x": [*values, None]})})
    deviation = f"{statistics.pstdev(values):.5g}"
    expected = ["train", "5", "16.667", "3", deviation, "40", "0", "3", "7", "1", "–", "none"]
    assert cells(page, "x")[2:] == expected


def test_the_top_value_and_the_lengths_of_lists_are_told(statistics_of):
    page = rendered({"train": statistics_of({"x": [["a", "a"], ["bb"], None, ["a"]]})})
    expected = ["train", "3", "25", "2", "a", "3", "1.25", "1 to 2, mean 1.33", "–", "none"]
    assert cells(page, "x")[2:] == expected


def test_sets_stand_beside_each_other_and_their_shift_is_told(statistics_of):
    splits = {"train": statistics_of({"x": ["a"] * 4}), "eval": statistics_of({"x": ["a", "b"]})}
    shown = cells(rendered(splits), "x")
    assert shown[2:4] == ["train", "4"]
    assert shown[10:14] == ["0.5", "none", "eval", "2"]


def test_distances_stand_beside_their_limits_the_gravest_first(statistics_of):
    def distance(feature: str, value: float, limit: float) -> Distance:
        rule = Comparator(feature=feature, kind="skew", measure="infinity_norm", threshold=limit)
        return Distance(comparator=rule, split="train", value=value)

    distances = [distance("a", 0.2, 0.4), distance("b", 0.3, 0.1)]
    data = {"train": statistics_of({"a": ["x"], "b": ["x"]})}
    page = rendered(data, distances=distances)
    table = page[page.index("distance / limit") :]
    b, a = (table.index(f"<td>{name}</td><td>skew</td>") for name in "ba")
    assert b < a
    assert "train skew: 0.3 / 0.1" in page


def test_bins_of_large_numbers_that_are_near_each_other_stay_apart(statistics_of):
    page = rendered({"train": statistics_of({"x": [17_031_010_100 + i for i in range(99)]})})
    figure = re.search(r"<figure.*?</figure>", page)[0]
    rows = [re.findall(r"<td.*?>(.*?)</td>", row) for row in figure.split("<tr>")[2:]]
    ends = [[float(cell) for cell in row[:2]] for row in rows]
    assert len(ends) == 10
    assert all(low < high for low, high in ends)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'name: "x" type: INT presence { min_fraction: 1 } shape {} '
            "int_domain { min: 0 max: 9 }",
            "int, required, one value, from 0 to 9",
        ),
        (
            'name: "x" type: FLOAT value_count { min: 1 max: 3 } presence { min_count: 1 }',
            "float, optional, 1 to 3 values",
        ),
        ('name: "x" type: BYTES string_domain { value: "a" value: "b" }', "bytes, one of 'a', 'b'"),
        ('name: "x" type: INT int_domain { is_categorical: true }', "int, categorical"),
        (
            'name: "x" type: BYTES presence { min_fraction: 0.5 } url_domain {}',
            "bytes, in at least 0.5 of the rows, url domain",
        ),
    ],
)
def test_the_schema_is_told_in_words(schema_of, text: str, words: str):
    assert schema_text.of_features(schema_of(f"feature {{ {text} }}")) == {"x": words}


def test_a_domain_of_several_features_is_told(schema_of):
    shared = " ".join(f'value: "v{i}"' for i in range(6))
    schema = schema_of(
        f'string_domain {{ name: "d" {shared} }} feature {{ name: "x" type: BYTES domain: "d" }}'
    )
    words = "bytes, one of 'v0', 'v1', 'v2', 'v3' and 2 more"
    assert schema_text.of_features(schema) == {"x": words}

"""A comparator in force is measured honestly or is an error, never a silent 0."""

import pyarrow as pa
import pytest

from kanaria.components.validate import comparators
from kanaria.components.validate.drift import Compared, Rules, compare_split

ROWS = 60
VALUES = {
    "INT": [i % 7 for i in range(ROWS)],
    "FLOAT": [i / 7 for i in range(ROWS)],
    "BYTES": ["abc"[i % 3] for i in range(ROWS)],
}
OTHER = {
    "INT": [i % 7 + 3 for i in range(ROWS)],
    "FLOAT": [i / 3 for i in range(ROWS)],
    "BYTES": ["abd"[i % 3] for i in range(ROWS)],
}
COUNTING = ["infinity_norm", "normalized_abs_difference"]
DIVERGENCE = "jensen_shannon_divergence"


@pytest.fixture
def judged(statistics_of, schema_of):
    """Judge column x against a baseline, by one drift comparator."""

    def judge(kind: str, measure: str, current: object, baseline: dict, limit="threshold:0.01"):
        text = f'feature{{name:"x" type:{kind} drift_comparator{{{measure}{{{limit}}}}}}}'
        rules = Rules(
            schema=schema_of(text), environment="", previous={"train": statistics_of(baseline)}
        )
        return compare_split("train", statistics_of({"x": current}), rules)

    return judge


def kinds(judged: Compared) -> set[str]:
    assert all(reason.severity == "ERROR" for reason in judged.reasons)
    return {reason.kind for reason in judged.reasons}


@pytest.mark.parametrize("kind", VALUES)
def test_divergence_acts_on_every_type(judged, kind: str):
    comparison = judged(kind, DIVERGENCE, VALUES[kind], {"x": OTHER[kind]})
    assert kinds(comparison) == {"COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"}


@pytest.mark.parametrize("measure", COUNTING)
def test_distances_of_counts_act_on_text(judged, measure: str):
    comparison = judged("BYTES", measure, VALUES["BYTES"], {"x": OTHER["BYTES"]})
    assert len(kinds(comparison)) == 1
    assert comparators.KIND not in kinds(comparison)


@pytest.mark.parametrize("kind", VALUES)
def test_equal_data_passes_and_the_distance_is_noted(judged, kind: str):
    comparison = judged(kind, DIVERGENCE, VALUES[kind], {"x": VALUES[kind]})
    assert not comparison.reasons
    assert [*map(str, comparison.distances)] == [
        f"drift {DIVERGENCE} of x in train is 0, the limit is 0.01"
    ]


@pytest.mark.parametrize("kind", ["INT", "FLOAT"])
@pytest.mark.parametrize("measure", COUNTING)
def test_a_distance_of_counts_on_a_number_is_an_error(judged, kind: str, measure: str):
    comparison = judged(kind, measure, VALUES[kind], {"x": OTHER[kind]})
    assert kinds(comparison) == {comparators.KIND}
    assert "use jensen_shannon_divergence" in comparison.reasons[0].text
    assert not comparison.notes


EMPTY = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string()}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("measure", comparators.MEASURES)
class TestEveryMeasureIsAnError:
    def test_when_the_baseline_lacks_the_feature(self, judged, kind, measure):
        comparison = judged(kind, measure, VALUES[kind], {"y": [1] * ROWS})
        assert comparators.KIND in kinds(comparison)

    def test_when_the_baseline_has_no_value(self, judged, kind, measure):
        comparison = judged(kind, measure, VALUES[kind], {"x": pa.nulls(ROWS, EMPTY[kind])})
        assert comparators.KIND in kinds(comparison)

    def test_when_the_data_has_no_value(self, judged, kind, measure):
        comparison = judged(kind, measure, pa.nulls(ROWS, EMPTY[kind]), {"x": OTHER[kind]})
        assert comparators.KIND in kinds(comparison)

    def test_when_the_types_differ(self, judged, kind, measure):
        other = "INT" if kind == "BYTES" else "BYTES"
        comparison = judged(kind, measure, VALUES[kind], {"x": OTHER[other]})
        assert comparators.KIND in kinds(comparison)

    def test_when_it_has_no_threshold(self, judged, kind, measure):
        comparison = judged(kind, measure, VALUES[kind], {"x": OTHER[kind]}, limit="")
        assert "has no threshold" in comparison.reasons[0].text


def test_an_absent_feature_in_the_data_is_an_error(statistics_of, schema_of):
    text = 'feature{name:"x" type:INT drift_comparator{infinity_norm{threshold:1}}}'
    rules = Rules(
        schema=schema_of(text), environment="", previous={"train": statistics_of({"x": [1]})}
    )
    comparison = compare_split("train", statistics_of({"y": [1]}), rules)
    assert comparators.KIND in kinds(comparison)


def test_values_that_are_not_numbers_give_an_error(judged):
    comparison = judged("FLOAT", DIVERGENCE, VALUES["FLOAT"], {"x": [float("nan")] * ROWS})
    assert comparators.KIND in kinds(comparison)


def test_a_categorical_number_is_compared_by_counts(statistics_of, schema_of):
    schema = schema_of(
        'feature{name:"x" type:INT int_domain{is_categorical:true} '
        "drift_comparator{infinity_norm{threshold:0.1}}}"
    )
    previous = {"train": statistics_of({"x": [1, 1, 1, 2]}, schema)}
    comparison = compare_split(
        "train",
        statistics_of({"x": [1, 2, 2, 2]}, schema),
        Rules(schema=schema, environment="", previous=previous),
    )
    assert kinds(comparison) == {"COMPARATOR_L_INFTY_HIGH"}


X = 'name:"x" type:BYTES drift_comparator{infinity_norm{threshold:0.1}}'


@pytest.mark.parametrize("stage", comparators.LEFT_OUT_STAGES)
def test_features_that_tfdv_leaves_out_have_no_comparator_in_force(schema_of, stage: str):
    assert comparators.in_force(schema_of(f"feature{{{X}}}"), "", "drift")
    assert not comparators.in_force(
        schema_of(f"feature{{{X} lifecycle_stage:{stage}}}"), "", "drift"
    )


def test_a_feature_outside_the_environment_has_no_comparator_in_force(schema_of):
    schema = schema_of(
        f'default_environment:"TRAINING" default_environment:"SERVING" '
        f'feature{{{X} not_in_environment:"SERVING"}}'
    )
    assert comparators.in_force(schema, "TRAINING", "drift")
    assert not comparators.in_force(schema, "SERVING", "drift")


def test_another_split_of_the_release_stands_in_only_as_train(statistics_of, schema_of):
    rules = Rules(
        schema=schema_of(f"feature{{{X}}}"),
        environment="",
        previous={"train": statistics_of({"x": VALUES["BYTES"]})},
    )
    of_test = compare_split("test", statistics_of({"x": OTHER["BYTES"]}), rules)
    assert kinds(of_test) == {"COMPARATOR_L_INFTY_HIGH"}
    assert of_test.notes[0] == "test is compared with split train of the release, which has no test"


def test_a_release_without_split_and_train_is_an_error(statistics_of, schema_of):
    rules = Rules(
        schema=schema_of(
            f"feature{{{X}}} dataset_constraints{{"
            "num_examples_drift_comparator{min_fraction_threshold:0.5}}"
        ),
        environment="",
        previous={"eval": statistics_of({"x": VALUES["BYTES"]})},
    )
    comparison = compare_split("train", statistics_of({"x": OTHER["BYTES"]}), rules)
    assert [reason.subject for reason in comparison.reasons] == ["x", "the data set"]
    assert "no statistics of split train or train; it has: eval" in comparison.reasons[0].text

"""What is wrong with a config, its examples or its models: one clear error each."""

from pathlib import Path

import object_stores
import pyarrow as pa
import pytest
from evaluations import (
    CONFIG,
    ROWS,
    VALUE,
    EvaluationRequest,
    Scorer,
    home,
    judged,
    request,
    save,
    table,
    write_examples,
)

from kanaria.components.shared.errors import DataError, ParameterError

__all__ = ["home"]


def failure(evaluation_request: EvaluationRequest, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        judged(evaluation_request)
    assert {path.name for path in evaluation_request.out.iterdir()} <= {
        "config.pbtxt",
        # What evaluate_model wrote before bless_model failed.
        *(("evaluation", "evaluation.html") if evaluation_request.deployed else ()),
    }
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_fault_of_the_config_is_named(home: Path):
    config = (CONFIG % "").replace('"AUC"', '"AUCC"').replace('"hour"]', '"huor"]')
    message = failure(request(home, "faults", config), ParameterError)
    assert "unknown metric class_name 'AUCC'; nearest known: AUC" in message
    assert "no column 'huor' in the examples; nearest: hour" in message


def test_an_unparsable_config_is_shown_with_its_place(home: Path):
    config = CONFIG.replace("slicing_specs", "slizing_specs", 1) % ""
    message = failure(request(home, "unparsable", config), ParameterError)
    assert "config.pbtxt:3:1: not an EvalConfig" in message
    assert "slizing_specs { feature_keys" in message


def test_a_change_threshold_needs_a_direction(home: Path):
    config = CONFIG % "threshold { change_threshold { absolute { value: 0 } } }"
    assert "no direction" in failure(request(home, "direction", config), ParameterError)


def test_a_label_column_that_does_not_exist(home: Path):
    config = (CONFIG % "").replace('"late"', '"latte"')
    message = failure(request(home, "label", config), ParameterError)
    assert "no column 'latte' for labels or weights; nearest: late" in message


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("nan", [0.0, float("nan"), 1.0, None], "2 of 4 rows have no label"),
        ("text", ["yes", "no", "yes", "no"], "label 'late': labels are text, such as 'yes'"),
        ("no-text", ["yes", None, "no", "no"], "1 of 4 rows have no label"),
        ("one-class", [1, 1, 1, 1], "all 4 rows are of one class, 1"),
        ("outside", [0, 1, 2, 1], "value 2 in row 2 is outside 0 to 1"),
    ],
)
def test_labels_that_give_no_metric(home: Path, name: str, labels: list, expected: str):
    rows = table().slice(0, 4).set_column(1, "late", pa.array(labels))
    folder = write_examples(home / f"{name}-examples", rows)
    evaluation_request = request(home, name, CONFIG % (VALUE % 0.5), examples=str(folder))
    assert expected in failure(evaluation_request, DataError)


def test_a_negative_weight(home: Path):
    rows = table().append_column("weight", pa.array([1.0] * (ROWS - 1) + [-0.5]))
    folder = write_examples(home / "weight-examples", rows)
    config = (CONFIG % "").replace(
        'label_key: "late"', 'label_key: "late" example_weight_key: "weight"'
    )
    evaluation_request = request(home, "weight", config, examples=str(folder))
    assert "weight 'weight': -0.5 in row 299 is negative" in failure(evaluation_request, DataError)


def test_what_tfma_refuses_is_one_line(home: Path):
    config = (CONFIG % "").replace('"AUC"', '"NDCG" config: \'"gain_key": "score"\'')
    assert "TFMA could not compute" in failure(request(home, "ndcg", config), DataError)


def test_a_split_without_rows(home: Path):
    folder = write_examples(home / "empty-examples", table().slice(0, 0))
    evaluation_request = request(home, "empty", CONFIG % "", examples=str(folder))
    assert "the split has no rows" in failure(evaluation_request, DataError)


def test_a_model_that_predicts_nan(home: Path):
    save(home / "nan-model", Scorer(float("nan")))
    evaluation_request = request(home, "nan-prediction", CONFIG % "", model=str(home / "nan-model"))
    assert "is not finite in 300 of 300 rows, first row 0" in failure(evaluation_request, DataError)


def test_a_folder_without_a_model(home: Path):
    evaluation_request = request(home, "no-model", CONFIG % "", model=str(home / "examples"))
    assert "no model in it" in failure(evaluation_request, DataError)


def test_a_release_that_is_gone_from_its_bucket(home: Path, monkeypatch: pytest.MonkeyPatch):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        gone = request(home, "gone-afar", CONFIG % "", deployed=f"{bucket.uri}/gone")
        assert "no model in this release" in failure(gone, DataError)


def test_a_release_that_is_gone(home: Path):
    evaluation_request = request(home, "gone", CONFIG % "", deployed=str(home / "nowhere"))
    assert "no model in this release" in failure(evaluation_request, DataError)


def test_an_input_the_examples_lack(home: Path):
    folder = write_examples(
        home / "other-examples", table().rename_columns(["x", "late", "carrier", "hour"])
    )
    evaluation_request = request(
        home, "lacking", CONFIG % "", examples=str(folder), model=str(home / "named")
    )
    assert "inputs ['score'] are no columns of the examples" in failure(
        evaluation_request, DataError
    )

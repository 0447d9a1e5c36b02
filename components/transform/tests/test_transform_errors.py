"""What a user sees when something is wrong: one line with the cause, and no outputs."""

import pytest
from kfp import dsl

from kanaria.components import transform_data
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.errors import DataError, ParameterError, UserCodeError
from kanaria.components.transform.transform import transform

ABSENT = ("examples", "schema", "transform_graph", "transformed_examples")


@pytest.fixture
def failure(request_for, tmp_path):
    """Run a request that must fail; return the message, having checked that nothing is left."""

    def run(kind, **changes):
        out = tmp_path / "out"
        with pytest.raises(kind) as caught:
            transform(request_for(**changes), out / "graph", out / "transformed")
        assert not out.exists() or not list(out.iterdir())
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return run


@pytest.fixture
def module(tmp_path):
    """Write a user module whose preprocessing_fn has the given lines."""

    def write(*lines):
        path = tmp_path / "features.py"
        body = "\n".join(f"    {line}" for line in lines)
        path.write_text(
            "import tensorflow as tf\nimport tensorflow_transform as tft\n\n"
            f"def preprocessing_fn(inputs):\n{body}\n"
        )
        return str(path)

    return write


def test_all_wrong_parameters_are_named_at_once(failure):
    message = failure(ParameterError, module_file="", preprocessing_fn="")
    assert "module_file=''" in message
    assert "preprocessing_fn=''" in message


def test_no_train_split(failure, add_part, make_rows, tmp_path):
    add_part(tmp_path / "examples", "eval", make_rows(0, 5))
    message = failure(DataError, examples=tmp_path / "examples")
    assert "no split 'train'" in message
    assert "it has: eval" in message


def test_train_split_without_rows(failure, add_part, make_rows, tmp_path):
    columns = {name: values[:0] for name, values in make_rows(0, 1).items()}
    add_part(tmp_path / "examples", "train", columns)
    assert "no rows" in failure(DataError, examples=tmp_path / "examples")


@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_missing_value_of_a_dense_feature_in_any_split(
    split, failure, add_part, make_rows, tmp_path
):
    for name in ("train", "eval"):
        columns = make_rows(0, 9)
        if name == split:
            columns["miles"][7] = None
        add_part(tmp_path / "examples", name, columns)
    message = failure(DataError, examples=tmp_path / "examples")
    assert f"split {split}: feature 'miles' has 0 values in row 7" in message


def test_a_dense_feature_that_the_data_lacks(failure, add_part, make_rows, tmp_path):
    columns = make_rows(0, 9)
    del columns["carrier"]
    add_part(tmp_path / "examples", "train", columns)
    assert "'carrier' has 0 values" in failure(DataError, examples=tmp_path / "examples")


def test_text_where_the_schema_has_numbers(failure, add_part, make_rows, tmp_path):
    add_part(tmp_path / "examples", "train", make_rows(0, 2) | {"miles": ["far", "near"]})
    message = failure(DataError, examples=tmp_path / "examples")
    assert "feature 'miles'" in message


def test_a_schema_that_does_not_parse(failure, tmp_path):
    (tmp_path / "schema.pbtxt").write_text("feature { nme: 1 }")
    assert "not a schema text proto" in failure(DataError, schema=tmp_path)


def test_a_missing_function(failure):
    message = failure(UserCodeError, preprocessing_fn="preprocess")
    assert "no function 'preprocess'" in message


def test_a_syntax_error_names_its_line(failure, module):
    path = module("return {")
    assert failure(UserCodeError, module_file=path).startswith(f"{path}:5: ")


def test_an_error_in_the_function_names_the_users_line(failure, module):
    path = module("x = inputs['miles']", "return {'x': inputs['mils']}")
    message = failure(UserCodeError, module_file=path)
    assert message.startswith(f"{path}:6: preprocessing_fn failed with KeyError")
    assert "mils" in message


def test_a_name_like_a_features_is_told(failure, module):
    message = failure(UserCodeError, module_file=module("return {'x': inputs['mils']}"))
    assert message.endswith("features of the schema with such a name: miles")


@pytest.mark.parametrize("inputs", ["inputs", "inputs.copy()"])
def test_a_feature_that_the_schema_leaves_out_is_told_with_the_reason(
    inputs, failure, module, raw, tmp_path
):
    schema = (
        (raw / "schema/schema.pbtxt")
        .read_text()
        .replace('"hour"', '"hour" lifecycle_stage: DEPRECATED')
    )
    (tmp_path / "schema.pbtxt").write_text(schema)
    path = module(f"features = {inputs}", "return {'x': features['hour']}")
    message = failure(UserCodeError, module_file=path, schema=tmp_path)
    assert message.startswith(f"{path}:6: preprocessing_fn failed with KeyError")
    assert "the schema marks feature 'hour' as DEPRECATED" in message


@pytest.mark.parametrize("materialize", [True, False])
@pytest.mark.parametrize(
    ("returned", "fault"),
    [
        ("{'x': tf.boolean_mask(miles, miles[:, 0] > 1000)}", "'x': "),
        ("{'x': tf.concat([miles, miles], 0), 'ok': miles}", "{'x': 18}"),
        ("{'x': tf.sparse.from_dense(miles[1:])}", "{'x': 8}"),
    ],
)
def test_rows_added_or_dropped(
    returned, fault, materialize, failure, module, add_part, make_rows, tmp_path
):
    add_part(tmp_path / "examples", "train", make_rows(0, 9))
    path = module("miles = inputs['miles']", f"return {returned}")
    message = failure(
        UserCodeError,
        module_file=path,
        examples=tmp_path / "examples",
        materialize=materialize,
    )
    assert message.startswith(f"{path}: preprocessing_fn on split train: 9 rows went in")
    assert fault in message


@pytest.mark.parametrize(
    ("returned", "fault"),
    [
        ("None", "returned None"),
        ("{}", "returned {}"),
        ("{'a': 3}", "'a': 3 is not a tensor"),
        ("{'a': inputs['miles'] > 1, 'b': 1}", "'a' has type bool"),
        ("{'a': tf.cast(inputs['miles'], tf.float64)}", "'a' has type float64; cast it"),
        ("{'a': tft.mean(inputs['miles'])}", "'a' is a single value"),
        ("{1: inputs['miles']}", "output 1: a feature's name must be text"),
    ],
)
def test_outputs_that_no_example_can_hold(returned, fault, failure, module):
    message = failure(UserCodeError, module_file=module(f"return {returned}"))
    assert fault in message
    assert "preprocessing_fn" in message


def test_an_error_inside_the_graph_during_the_analysis(failure, module):
    path = module(
        "miles = tf.ensure_shape(tf.reshape(inputs['miles'], [-1, 7]), [None, 7])",
        "return {'x': tft.scale_to_z_score(miles)}",
    )
    message = failure(UserCodeError, module_file=path)
    assert message.startswith(f"{path}: preprocessing_fn on split train failed with Invalid")
    assert "requires a multiple of 7" in message


def test_an_error_inside_the_graph_on_another_split(failure, module, add_part, make_rows, tmp_path):
    add_part(tmp_path / "examples", "train", make_rows(0, 7))
    add_part(tmp_path / "examples", "eval", make_rows(0, 6))
    path = module(
        "weeks = tf.cumsum(tf.reshape(inputs['miles'], [-1, 7]), axis=1)",
        "return {'x': tf.reshape(weeks, [-1, 1])}",
    )
    message = failure(UserCodeError, module_file=path, examples=tmp_path / "examples")
    assert "on split eval failed with InvalidArgumentError" in message


def test_custom_config_may_be_named_only(failure, tmp_path):
    path = tmp_path / "features.py"
    path.write_text("def preprocessing_fn(inputs, *, custom_config):\n    return custom_config\n")
    message = failure(UserCodeError, module_file=str(path), custom_config={"a": 1})
    assert "output 'a': 1 is not a tensor" in message


def test_data_that_did_not_pass_is_refused_before_any_work(tmp_path):
    reason = Reason(severity="ERROR", subject="fare", kind="rule", text="fare is text")
    verdict = Outcome(step="validate_data", passed=False, reasons=(reason,))
    outcome.write(verdict, tmp_path / "outcome")
    absent = {name: dsl.Artifact(name=name, uri=str(tmp_path / name)) for name in ABSENT}
    refused = dsl.Artifact(name="outcome", uri=str(tmp_path / "outcome"))
    with pytest.raises(DataError, match="validate_data did not pass: fare is text"):
        transform_data.python_func(**absent, module_file="none.py", outcome=refused)

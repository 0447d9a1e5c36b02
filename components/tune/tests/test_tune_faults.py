"""What is wrong ends the step with one clear error."""

import pytest

from kanaria.components.shared.errors import ParameterError, UserCodeError
from kanaria.components.tune.lean_imports import tune


def said(request, targets, kind=UserCodeError) -> str:
    with pytest.raises(kind) as raised:
        tune(request, targets())
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_every_parameter_out_of_range_is_named_at_once(request_with, targets, bowl):
    request = request_with(
        bowl, max_trials=-1, parallel_trials=0, seed=-1, tuner_fn="", tuner_dir="ftp://x/y"
    )
    text = said(request, targets, ParameterError)
    for name in ("max_trials=-1", "parallel_trials=0", "seed=-1", "tuner_fn=''", "tuner_dir: "):
        assert name in text


def test_a_module_without_tuner_fn(request_with, targets):
    assert "no function 'tuner_fn'; define" in said(request_with("x = 1"), targets)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return None", "tuner_fn returned None; return TunerFnResult("),
        ("return 3, {}", "tuner_fn returned (3, {}); return TunerFnResult("),
        ("return TunerFnResult(tuner='x', fit_kwargs={})", "with a tuner of keras_tuner"),
        ("raise ValueError('no such file')", "user_module.py:5: tuner_fn failed with ValueError"),
        ("return TunerFnResult(tuner=Bare(), fit_kwargs=[])", "fit_kwargs=[]: no dict"),
    ],
)
def test_what_tuner_fn_returns(request_with, targets, body, fault):
    module = f"""import keras_tuner
from tfx.v1.components import TunerFnResult
class Bare(keras_tuner.RandomSearch): __init__ = object.__init__
def tuner_fn(fn_args):
    {body}
"""
    if "Bare()" in body:
        module = module.replace("Bare()", "keras_tuner.RandomSearch(lambda hp: None)")
        module = module.replace(
            "lambda hp: None)", "hypermodel=None, directory=fn_args.working_dir)"
        )
        module = module.replace("keras_tuner.RandomSearch(hyper", "Own(hyper")
        module += (
            "class Own(keras_tuner.RandomSearch):\n    def run_trial(self, trial): return 1.0\n"
        )
    assert fault in said(request_with(module), targets)


def test_a_tuner_that_works_elsewhere_is_refused(request_with, targets, bowl, tmp_path):
    module = bowl.replace("fn_args.working_dir", repr(str(tmp_path / "elsewhere")))
    text = said(request_with(module), targets)
    assert "elsewhere" in text
    assert "make it with directory=fn_args.working_dir" in text


def test_an_objective_that_keras_tuner_cannot_rank(request_with, targets, line):
    text = said(request_with(line.replace('"val_loss"', '"val_lift"')), targets)
    assert "user_module.py:" in text
    assert "Could not infer optimization direction" in text


def test_an_objective_that_no_trial_reports(request_with, targets, line):
    objective = 'keras_tuner.Objective("val_auc", "max")'
    text = said(request_with(line.replace('"val_loss"', objective)), targets)
    assert "'val_auc' is no metric of the trials" in text
    assert "'val_loss', 'val_mae'" in text


def test_trials_that_all_fail_name_the_line(request_with, targets, bowl):
    module = bowl.replace('return {"loss"', 'raise OSError("no disk")\n        return {"loss"')
    text = said(request_with(module), targets)
    assert "consecutive failures" in text
    assert "user_module.py:" in text
    assert "OSError: 'no disk'" in text
    # Fewer than KerasTuner bears: it would name a failed one the best.
    text = said(request_with(module, max_trials=2), targets)
    assert "none of 2 trials has a score" in text
    assert "OSError: 'no disk'" in text


@pytest.mark.parametrize(("value", "fault"), [("nan", "loss is nan"), ("inf", "loss is inf")])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_an_objective_that_is_no_finite_number_ranks_no_trial(
    request_with, targets, bowl, value, fault, direction
):
    module = bowl.replace('"loss", "min"', f'"loss", "{direction}"')
    # KerasTuner bears three failures in a row by itself.
    module = module.replace(
        'project_name="bowl"', 'project_name="bowl", max_consecutive_failed_trials=99'
    )
    bad = module.replace("+ 0.25}", f'+ float("{value}")}}')
    assert fault in said(request_with(bad, max_trials=2), targets)
    some = module.replace("+ 0.25}", f'+ (float("{value}") if hp.get("b") < 10 else 0)}}')
    tuned = tune(request_with(some, max_trials=12, seed=1), targets())
    assert tuned.best.hyperparameters["b"] >= 10
    assert {t.status for t in tuned.trials if t.hyperparameters["b"] < 10} == {"FAILED"}


def test_a_model_of_keras_3_is_refused_by_name(request_with, targets, line):
    module = line.replace("import tensorflow as tf\n", "import tensorflow as tf\nimport keras\n")
    module = module.replace("def build(hp):\n", "def build(hp):\n    return keras.Sequential()\n")
    assert "valid Keras Model" in said(request_with(module, max_trials=1), targets)

"""A search whose optimum is known: a=1.5, b=12, where the loss is 0.25; the defaults give 11.5."""

import keras_tuner
from tfx.v1.components import TunerFnResult


class Bowl(keras_tuner.RandomSearch):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        a, b = hp.Float("a", -4.0, 4.0, default=0.0), hp.Int("b", 0, 20, default=0)
        return {"loss": (a - 1.5) ** 2 + (b - 12) ** 2 / 16 + 0.25}


def tuner_fn(fn_args):
    tuner = Bowl(
        objective=keras_tuner.Objective("loss", "min"),
        max_trials=fn_args.custom_config.get("trials", 40),
        seed=fn_args.custom_config.get("seed"),
        directory=fn_args.working_dir,
        project_name="bowl",
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={})

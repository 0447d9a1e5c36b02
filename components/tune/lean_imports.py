"""Imports the work of tune_model: TensorFlow as train_model loads it, KerasTuner on tf.keras."""

from kanaria.components.shared.imports import training

training.load("tensorflow", "tensorflow_transform", "apache_beam")

from kanaria.components.tune import private_keras_tuner  # noqa: E402  The libraries come first.

private_keras_tuner.load()

from kanaria.components.shared.tuning.tuned_files import Targets  # noqa: E402
from kanaria.components.tune import katib_score, one_trial, tuner_call  # noqa: E402
from kanaria.components.tune.plan_katib import PlanRequest, plan_search  # noqa: E402
from kanaria.components.tune.request import TuneRequest  # noqa: E402
from kanaria.components.tune.tune import tune  # noqa: E402

__all__ = [
    "PlanRequest",
    "Targets",
    "TuneRequest",
    "katib_score",
    "one_trial",
    "plan_search",
    "tune",
    "tuner_call",
]

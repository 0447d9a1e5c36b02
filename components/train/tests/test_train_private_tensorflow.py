import importlib
import logging

import pytest
import tf_keras
from tensorflow.python.autograph.impl import conversion

from kanaria.components.train import private_tensorflow


def test_this_tensorflow_takes_the_rule_and_only_once():
    config = importlib.import_module(private_tensorflow.RULES)
    assert private_tensorflow.leave_tf_keras_unconverted()
    rules = config.CONVERSION_RULES
    assert private_tensorflow.leave_tf_keras_unconverted()
    assert rules is config.CONVERSION_RULES
    assert conversion.is_allowlisted(tf_keras.Model.make_train_function)


def test_a_tensorflow_without_the_private_name_costs_time_but_not_the_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delattr(importlib.import_module(private_tensorflow.RULES), "DoNotConvert")
    with caplog.at_level(logging.WARNING):
        assert not private_tensorflow.leave_tf_keras_unconverted()
    assert "no AutoGraph rules" in caplog.text

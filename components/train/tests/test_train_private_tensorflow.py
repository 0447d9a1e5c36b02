import importlib
import logging

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tensorflow.python.autograph.impl import conversion
from tensorflow_transform.tf_metadata import schema_utils

from kanaria.components.shared.tensors.adapter import adapter_config
from kanaria.components.train import private_tensorflow
from kanaria.components.train.export import export_model


def test_this_tensorflow_takes_the_rule_and_only_once():
    config = importlib.import_module(private_tensorflow.RULES)
    assert private_tensorflow.leave_libraries_unconverted()
    rules = config.CONVERSION_RULES
    assert private_tensorflow.leave_libraries_unconverted()
    assert rules is config.CONVERSION_RULES
    for function in (
        tf_keras.Model.make_train_function,
        tft.TFTransformOutput.raw_feature_spec,
        tft.TransformFeaturesLayer.call,
        schema_utils.schema_as_feature_spec,
        adapter_config,
        export_model,
    ):
        assert conversion.is_allowlisted(function), function


def of_the_user(x):
    if tf.reduce_sum(x) > 0:
        x = -x
    return x


def test_the_users_own_code_is_still_converted():
    assert private_tensorflow.leave_libraries_unconverted()
    assert not conversion.is_allowlisted(of_the_user)
    assert tf.function(of_the_user)(tf.constant([1.0, 2.0])).numpy().tolist() == [-1.0, -2.0]


def test_a_tensorflow_without_the_private_name_costs_time_but_not_the_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delattr(importlib.import_module(private_tensorflow.RULES), "DoNotConvert")
    with caplog.at_level(logging.WARNING):
        assert not private_tensorflow.leave_libraries_unconverted()
    assert "no AutoGraph rules" in caplog.text

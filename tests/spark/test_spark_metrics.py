"""TFMA's metrics on Spark are those of one process, to the last bit."""

import pytest
from engine_evaluations import (
    FILES,
    KERAS_32,
    MANY,
    OF_QUERIES,
    WITH_INTERVALS,
    Models,
    prepared,
)

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.spark import SparkEngine


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return prepared(tmp_path_factory.mktemp("metrics"))


def test_every_metric_of_two_models_is_equal(models: Models, engine: SparkEngine):
    spark = models.measured("spark", MANY, engine, both=True)
    local = models.measured("local", MANY, LocalEngine(), both=True)
    assert local.findings.row_count == sum(FILES)
    assert len({metric.name for of_slice in local.numbers.values() for metric in of_slice}) > 20
    assert spark.differences(local, 0.0) == []
    assert spark.findings == local.findings


@pytest.mark.parametrize(
    "config", [KERAS_32, OF_QUERIES, WITH_INTERVALS], ids=["Keras", "queries", "intervals"]
)
def test_keras_metrics_queries_and_intervals_are_equal(
    models: Models, engine: SparkEngine, config: str, request: pytest.FixtureRequest
):
    name = request.node.callspec.id
    spark = models.measured(f"spark {name}", config, engine, both=False)
    local = models.measured(f"local {name}", config, LocalEngine(), both=False)
    assert len(local.numbers) > 10
    assert spark.differences(local, 0.0) == []
    assert spark.findings == local.findings

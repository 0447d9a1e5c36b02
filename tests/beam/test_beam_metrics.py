"""TFMA's own pipeline through a job server gives the metrics of our accumulators."""

import pytest
from engine_evaluations import FILES, KERAS_32, KERAS_64, MANY, OF_QUERIES, Models, prepared

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return prepared(tmp_path_factory.mktemp("metrics"))


def test_every_metric_of_two_models_is_equal(models: Models, portable: Beam):
    prism = models.measured("prism", MANY, portable, both=True)
    local = models.measured("local", MANY, LocalEngine(), both=True)
    assert prism.findings.row_count == local.findings.row_count == sum(FILES)
    assert len({metric.name for of_slice in local.numbers.values() for metric in of_slice}) > 20
    assert prism.differences(local, 1e-12) == []
    assert prism.findings.checks == local.findings.checks


@pytest.mark.parametrize(
    ("config", "tolerance"),
    [(KERAS_32, 2e-6), (KERAS_64, 1e-12), (OF_QUERIES, 1e-12)],
    ids=["Keras in float32", "Keras in float64", "queries"],
)
def test_keras_metrics_and_queries_are_equal(
    models: Models, portable: Beam, config: str, tolerance: float, request: pytest.FixtureRequest
):
    name = request.node.callspec.id
    prism = models.measured(f"prism {name}", config, portable, both=False)
    local = models.measured(f"local {name}", config, LocalEngine(), both=False)
    assert len(local.numbers) > 10
    assert prism.differences(local, tolerance) == []

"""TFMA's own pipeline through a job server gives the metrics of our accumulators."""

import pytest
from engine_evaluations import FILES, MANY, Models, prepared

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return prepared(tmp_path_factory.mktemp("metrics"))


def test_every_metric_of_two_models_is_equal(models: Models, portable: Beam):
    prism = models.measured("prism", MANY, portable, both=True)
    local = models.measured("local", MANY, LocalEngine(), both=True)
    assert prism.findings.row_count == local.findings.row_count == sum(FILES)
    assert len({metric.name for found in local.numbers.values() for metric in found}) > 20
    assert prism.differences(local, 1e-12) == []
    assert prism.findings.checks == local.findings.checks

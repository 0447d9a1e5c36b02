"""Processes of this machine give the metrics of one process, to the last bit."""

from collections.abc import Iterator

import pytest
from engine_evaluations import FILES, MANY, Models, prepared

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.processes import ProcessEngine


@pytest.fixture(scope="module")
def engine() -> Iterator[ProcessEngine]:
    two_processes = ProcessEngine(2)
    yield two_processes
    two_processes.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return prepared(tmp_path_factory.mktemp("engines"))


def test_every_metric_of_two_models_is_equal(models: Models, engine: ProcessEngine):
    apart = models.measured("processes", MANY, engine, both=True)
    here = models.measured("local", MANY, LocalEngine(), both=True)
    assert here.findings.row_count == sum(FILES)
    assert len({metric.name for of_slice in here.numbers.values() for metric in of_slice}) > 20
    assert apart.differences(here, 0.0) == []
    assert apart.findings == here.findings

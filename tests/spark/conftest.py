"""One cluster for all tests, but for those that kill it."""

from collections.abc import Iterator

import pytest
from spark_cluster import Cluster, cluster

from kanaria.components.shared.engines import spark_session
from kanaria.components.shared.engines.spark import SparkEngine


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("spark")) as running:
        yield running


@pytest.fixture(scope="module")
def engine(spark: Cluster) -> Iterator[SparkEngine]:
    with spark_session.session(spark.settings(), "test") as session_engine:
        yield session_engine

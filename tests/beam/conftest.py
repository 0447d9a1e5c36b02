"""One job server for all tests."""

from collections.abc import Iterator

import prism
import pytest

from kanaria.components.shared.engines.beam import Beam


@pytest.fixture(scope="session")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beam]:
    """The engine whose pipelines go to the job server, which runs them here."""
    with prism.running(tmp_path_factory.mktemp("prism")) as endpoint:
        yield Beam(
            ("--runner=PortableRunner", f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK")
        )

import pytest
from feature_repos import Repo


@pytest.fixture
def repo(tmp_path) -> Repo:
    """A repository of drivers: two views, one of them with a ttl of two days."""
    return Repo(tmp_path / "repo")

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for the session: the synthetic dataset takes seconds to draw."""
    return tmp_path_factory.mktemp("cache")

import pytest

from twin_env.market.market import Market
from twin_env.twin.opening import open_market


@pytest.fixture(scope="session")
def market() -> Market:
    return open_market("mgc_2025", "retail")

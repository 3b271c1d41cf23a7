"""A hand-made market that one agent trades in over real wires, the same for a buyer and a seller."""

import pytest

from tests.core.conftest import pytest_collection_modifyitems  # noqa: F401  (the same warnings as there)
from tests.core.session import Session
from tests.core.soundness import assert_mirrored, assert_sound
from tests.core.worlds import MS, SECOND, set_delays, tape_template
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, GTC, IOC, LIMIT, MARKET, SELL


class Market:
    """Strangers and one agent; every price is what a buyer would see.

    For a seller prices are mirrored around 100 and sides swapped, so "an offer at 101" is what stands
    against the agent and "a bid at 99" what stands beside it, whichever way the agent trades. Orders
    take 10 ms to the exchange, reports 15 ms back, market data 20 ms.

    Args:
        side: What the agent does: BUY or SELL.
        self_match: Self-match prevention at the exchange.
    """

    def __init__(self, side: int, self_match: int = codes.ALLOW, protection_ticks: int = 50):
        template = tape_template(self_match=self_match, protection_ticks=protection_ticks)
        set_delays(template, order_link=(10, 10), report_link=(15, 15), market_data_link=(20, 20))
        self.side = side
        self.session = Session(template)
        self.session.open_intent(side, 1_000_000, mid=200)

    def price(self, seen: int) -> int:
        """Translate between what a buyer sees and what is there; the same in both directions."""
        return seen if self.side == BUY else 200 - seen

    # Strangers.

    def offer(self, lots: int, price: int) -> int:
        """A stranger's order against the agent; returns its id."""
        return self.session.stranger(-self.side, lots, self.price(price))

    def bid(self, lots: int, price: int) -> int:
        """A stranger's order on the agent's side; returns its id."""
        return self.session.stranger(self.side, lots, self.price(price))

    def hit(self, lots: int, price: int) -> None:
        """A stranger trades with bids down to a price, and what finds nothing is gone."""
        self.session.stranger(-self.side, lots, self.price(price), tif=IOC)

    def withdraw(self, order: int) -> None:
        """A stranger cancels."""
        self.session.stranger_cancels(order)

    # The agent.

    def send(self, lots: int, price: int = 0, *, type: int = LIMIT, tif: int = GTC, side: int = 0) -> int:
        """Send an order of the agent and return its row; ``side=-1`` is the other way round."""
        way = -self.side if side else self.side
        return self.session.order(way, lots, self.price(price), type=type, tif=tif, intent=1 if side else 0)

    def take(self, lots: int) -> int:
        return self.send(lots, type=MARKET, tif=IOC)

    def cancel(self, row: int) -> None:
        assert self.session.cancel(row)

    def replace(self, row: int, lots: int, price: int) -> None:
        assert self.session.replace(row, lots, self.price(price))

    def wait(self, ms: float = 1000) -> None:
        self.session.run(int(ms * MS))

    def arrive(self) -> None:
        """Let everything on its way arrive, and check that all the books agree."""
        self.session.run(SECOND)
        assert_sound(self.session.world)
        assert_mirrored(self.session.world)
        desk, world = self.session.desk, self.session.world
        assert desk["pending"] == 0
        assert desk["position"] == world["ledger"]["position"]
        assert desk["filled_lots"] == world["ledger"]["filled_lots"]

    # What the agent sees.

    @property
    def position(self) -> int:
        """Lots held, positive in the agent's direction, as the desk knows."""
        return self.side * int(self.session.desk["position"])

    @property
    def paid(self) -> int:
        """Price times lots of all fills, in prices a buyer sees, as the desk knows."""
        notional = int(self.session.desk["notional"])
        return notional if self.side == BUY else 200 * self.position + notional

    @property
    def live(self) -> int:
        return int(self.session.desk["live"])

    def order(self, row: int):
        return self.session.row(row)

    def offers(self) -> list[tuple[int, int]]:
        """What stands against the agent: ``(price, lots)``, best first."""
        return [(self.price(price), lots) for price, lots in self.session.mirror(-self.side)]

    def bids(self) -> list[tuple[int, int]]:
        """What stands beside the agent: ``(price, lots)``, best first."""
        return [(self.price(price), lots) for price, lots in self.session.mirror(self.side)]


@pytest.fixture(params=[BUY, SELL], ids=["buy", "sell"])
def side(request):
    return request.param


@pytest.fixture
def market(side):
    return Market(side)


@pytest.fixture
def make_market(side):
    """Make a market with other rules: ``make_market(self_match=...)``."""
    return lambda **rules: Market(side, **rules)

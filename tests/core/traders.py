"""A desk that does everything at random, and an account kept from the exchange's events alone."""

import numpy as np

from tests.core.session import Session
from tests.core.worlds import SECOND, START_NS
from tests.streams import random_messages
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, DESK, SELL
from twin_env.core.state.layout import NONE
from twin_env.reference.messages import Event

BUY_INTENT, SELL_INTENT = 0, 1


class RandomTrader:
    """Sends orders of all kinds on both sides, cancels and replaces them.

    Every choice is drawn before it is known whether it can be made, so two traders with one seed in two
    markets draw the same. ``mirror=-1`` negates every price and side.
    """

    def __init__(self, session: Session, seed: int, *, mirror: int = 1, grow: bool = True):
        self.session = session
        self.rng = np.random.default_rng(seed)
        self.mirror = mirror
        self.grow = grow
        session.open_intent(mirror * BUY, 40, intent=BUY_INTENT)
        session.open_intent(mirror * SELL, 25, intent=SELL_INTENT)

    def act(self) -> None:
        choice, side = self.rng.random(), int(self.rng.choice([BUY, SELL]))
        lots, offset, tilt = int(self.rng.integers(1, 9)), int(self.rng.integers(-6, 4)), int(self.rng.integers(1, 8))
        kind, tif, row = int(self.rng.integers(0, 8)), int(self.rng.integers(0, 4)), int(self.rng.integers(0, 16))
        if choice < 0.5:
            self._order(kind, tif, side, lots, offset, tilt)
        elif choice < 0.65 and self.session.row(row)["state"]:
            self.session.cancel(row)
        elif choice < 0.85 and self.session.row(row)["state"]:
            self._replace(row, lots, offset, tilt)

    def _middle(self) -> int:
        """The desk's mid in ticks, rounded the same way in a mirrored market."""
        return self.mirror * (self.mirror * int(self.session.desk["mid"]) // 2)

    def _order(self, kind: int, tif: int, side: int, lots: int, offset: int, tilt: int) -> None:
        type_ = kind if kind <= codes.STOP_LIMIT else codes.LIMIT
        post_only = codes.POST_ONLY if kind == 7 and tif <= codes.DAY else 0
        side *= self.mirror
        trigger = self._middle() + side * tilt
        price = (trigger if type_ == codes.STOP_LIMIT else self._middle()) + side * offset
        intent = BUY_INTENT if side == self.mirror else SELL_INTENT
        self.session.order(side, lots, price, type=type_, tif=tif, flags=post_only, trigger=trigger, intent=intent)

    def _replace(self, row: int, lots: int, offset: int, tilt: int) -> None:
        order = self.session.row(row)
        if not self.grow:
            lots = min(lots, int(order["lots"]))
        price = self._middle() + int(order["side"]) * offset
        self.session.replace(row, lots, price, trigger=self._middle() + int(order["side"]) * tilt)


class Account:
    """Position, cash and fees of the desk, from ``TRADED`` events and who owns which order."""

    def __init__(self, session: Session):
        self.session = session
        self.owners: dict[int, int] = {}
        self.position = self.notional = self.fees_micro = self.fills = self.lots = 0
        self.filled = {BUY: 0, SELL: 0}
        self.read()

    def read(self) -> list[Event]:
        """Book every event since the last call."""
        events = self.session.events()
        for event in events:
            if event.kind == codes.ACCEPTED:
                self.owners[event.order] = event.owner
            elif event.kind == codes.TRADED:
                if event.owner == DESK:
                    self._fill(event.side, event, "taker_fee_micro")
                if self.owners.get(event.contra, codes.BACKGROUND) == DESK:
                    self._fill(-event.side, event, "maker_fee_micro")
        return events

    def _fill(self, side: int, event: Event, fee: str) -> None:
        self.position += side * event.lots
        self.notional += side * event.lots * event.price
        self.fees_micro += event.lots * int(self.session.world["venue"][fee])
        self.filled[side] += event.lots
        self.fills += 1
        self.lots += event.lots

    def net_micro(self) -> int:
        """Cash plus inventory at the exchange's mid, less fees, in 1e-6 of the currency."""
        mid = self.session.mid_half_ticks
        money = int(self.session.world["venue"]["half_tick_micro"])
        return (self.position * mid - 2 * self.notional) * money - self.fees_micro


def assert_desk_knows(session, account):
    """Once everything arrived, the desk's own books say what the exchange did."""
    session.settle(60 * SECOND)
    account.read()
    desk = session.desk
    assert desk["pending"] == desk["orders"]["pending"].sum() == 0
    assert (desk["position"], desk["notional"]) == (account.position, account.notional)
    assert desk["filled_lots"] == account.lots
    assert session.world["report_link"]["lost"] == 0
    live = 0
    for row in range(len(desk["orders"])):
        order, truth = session.row(row), session.truth(row)
        assert (order["state"] != 0) == (truth is not None)
        if truth is not None:
            live += int(truth["lots"])
            assert order["lots"] - order["filled"] == truth["lots"]
    assert session.committed_lots == live


def random_tape(seed: int, count: int = 1500, *, mean_gap_ns: int = 10_000_000) -> np.ndarray:
    """A history of the background with rows of every kind, also impossible ones; about 15 seconds long."""
    rows = random_messages(seed, count, orders=256, halts=False, swing_ticks=15.0, bad=0.0)
    rng = np.random.default_rng(seed)
    rows["ts_ns"] = START_NS + np.cumsum(rng.integers(0, 2 * mean_gap_ns, count))
    rows["owner"], rows["row"] = codes.BACKGROUND, NONE
    return rows


def mirrored(rows: np.ndarray) -> np.ndarray:
    """The same history in a market turned upside down."""
    other = rows.copy()
    for name in ("price", "trigger", "side"):
        other[name] = -rows[name]
    return other

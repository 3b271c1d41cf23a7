"""A second count of Strategy Alpha beside a running market: random desks, and how both are compared."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin_env.alpha.recount import StrategyRecount
from twin_env.core.state import codes
from twin_env.twin.orders import OrderError


def levels_of(book: Any) -> Mapping[int, Mapping[int, int]]:
    """Return lots by price of both sides of a ladder record."""
    sides = {}
    for row, side in enumerate((codes.BUY, codes.SELL)):
        places = range(int(book["count"][row]))
        sides[side] = {
            side * int(book["key"][row, place]): int(book["levels"]["lots"][book["level"][row, place]])
            for place in places
        }
    return sides


def recount_from(world: Any, parent: tuple[int, int] | None = None) -> StrategyRecount:
    """Return a recount that begins where a world stands; its desk has sent nothing."""
    desk = world["desk"]
    assert desk["clients"] == 0
    last = int(desk["last_trade"])
    heard = last if desk["trades"] > 0 or last != 0 else None
    return StrategyRecount(levels_of(world["book"]), levels_of(desk["book"]), int(desk["mid"]), heard, parent)


def random_actions(space: Any, seed: int) -> Any:
    """Return a generator of actions: those of the space, drawn from a seed of their own."""
    rng = np.random.default_rng(seed)
    while True:
        if hasattr(space, "nvec"):
            yield rng.integers(space.nvec)
        elif hasattr(space, "n"):
            yield int(rng.integers(space.n))
        else:
            low, high = np.maximum(space.low, -12), np.minimum(space.high, 12)  # of entries without bounds, a few ticks
            yield rng.uniform(low, high).astype(space.dtype)


class RandomDesk:
    """Drives the desk of a Twin at random: orders of every kind, brackets, pairs, moves, cancels."""

    def __init__(self, twin: Any, seed: int) -> None:
        self.twin, self.rng, self.sent = twin, np.random.default_rng(seed), 0
        self.tick = twin.market.instrument.tick_size

    def act(self) -> None:
        """Do one thing, or nothing."""
        choice = self.rng.choice(["order", "bracket", "pair", "replace", "cancel", "wait"])
        try:
            getattr(self, f"_{choice}")()
            self.sent += choice in ("order", "bracket", "pair")
        except OrderError:
            pass  # no room at the desk, or the order was over

    def _price(self, away: int) -> float:
        return float(round(self.twin.desk.mid / self.tick) * self.tick + away * self.tick)

    def _terms(self, side: str) -> dict[str, Any]:
        kind = str(self.rng.choice(["limit", "market", "stop", "stop_limit"]))
        sign, lots = (1 if side == "buy" else -1), int(self.rng.integers(1, 4))
        terms: dict[str, Any] = {"side": side, "lots": lots, "type": kind}
        if kind in ("limit", "stop_limit"):
            terms["price"] = self._price(sign * int(self.rng.integers(-6, 4)))
        if kind in ("stop", "stop_limit"):
            terms["trigger"] = self._price(sign * int(self.rng.integers(-1, 8)))
        if kind == "limit":
            terms["post_only"] = bool(self.rng.random() < 0.2)
        return terms

    def _side(self) -> str:
        return str(self.rng.choice(["buy", "sell"]))

    def _order(self) -> None:
        self.twin.desk.submit(**self._terms(self._side()))

    def _bracket(self) -> None:
        terms = self._terms(self._side())
        sign = 1 if terms["side"] == "buy" else -1
        near, far = (int(ticks) for ticks in self.rng.integers(1, 9, 2))
        exits = {"target": self._price(sign * near), "stop": self._price(-sign * far)}
        if self.rng.random() < 0.3:
            del exits[str(self.rng.choice(["target", "stop"]))]
        self.twin.desk.submit(**terms, **exits)

    def _pair(self) -> None:
        first = self._terms("buy")
        second = self._terms(self._side()) | {"lots": first["lots"]}
        self.twin.desk.submit_oco(first, second)

    def _working(self) -> Any:
        orders = self.twin.desk.orders()
        return orders[int(self.rng.integers(len(orders)))] if orders else None

    def _replace(self) -> None:
        order = self._working()
        if order is None:
            return
        terms: dict[str, Any] = {}
        if order.price is not None:
            terms["price"] = self._price(int(self.rng.integers(-6, 7)))
        if order.trigger is not None and order.type in ("stop", "stop_limit"):
            terms["trigger"] = self._price(int(self.rng.integers(-8, 9)))
        if order.state != "held" and self.rng.random() < 0.4:
            terms["lots"] = int(self.rng.integers(1, 6))
        if terms:
            self.twin.desk.replace(order.id, **terms)

    def _cancel(self) -> None:
        order = self._working()
        if order is not None:
            self.twin.desk.cancel(order.id)

    def _wait(self) -> None:
        pass

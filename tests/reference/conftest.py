"""A small exchange and short ways to write messages."""

import pytest

from twin_env.core.state import codes
from twin_env.reference import Message, ReferenceExchange


class Desk:
    """Sends messages, checks invariants after each, and answers with the text of what happened."""

    def __init__(self, **config):
        settings = {"protection_ticks": 3, "max_orders": 20, "max_levels": 4, "max_stops": 3}
        self.exchange = ReferenceExchange(**{**settings, **config})

    def send(self, kind, order=-1, side=0, lots=0, price=0, **fields):
        message = Message(kind=kind, order=order, side=side, lots=lots, price=price, **fields)
        self.events = self.exchange.handle(message)
        self.exchange._check()
        return [str(event) for event in self.events]

    def buy(self, order, lots, price=0, **fields):
        return self.send(codes.NEW, order, codes.BUY, lots, price, **fields)

    def sell(self, order, lots, price=0, **fields):
        return self.send(codes.NEW, order, codes.SELL, lots, price, **fields)


@pytest.fixture
def make_desk():
    return Desk


@pytest.fixture
def desk():
    return Desk()

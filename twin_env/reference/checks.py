"""Checks of a message that need no state: each returns a reason code, ``NO_REASON`` when it passes."""

from twin_env.core.state.codes import (
    BAD_LOTS,
    BAD_ORDER,
    BAD_PRICE,
    BUY,
    DAY,
    GTC,
    LIMIT,
    MAX_LOTS,
    MAX_PRICE_TICKS,
    NO_REASON,
    POST_ONLY,
    SELL,
    TIF_NAMES,
    TYPE_NAMES,
)
from twin_env.reference.messages import Message


def check_lots(message: Message) -> int:
    """Lots are between 1 and ``MAX_LOTS``.

    >>> check_lots(Message(lots=1)) == NO_REASON, check_lots(Message(lots=0)) == BAD_LOTS
    (True, True)
    """
    return NO_REASON if 1 <= message.lots <= MAX_LOTS else BAD_LOTS


def check_terms(message: Message) -> int:
    """Side, type, time in force and flags exist and go together.

    >>> check_terms(Message(side=BUY, flags=POST_ONLY)) == NO_REASON
    True
    """
    known = message.side in (BUY, SELL) and message.type in TYPE_NAMES and message.tif in TIF_NAMES
    can_be_post_only = message.type == LIMIT and message.tif in (GTC, DAY)
    return NO_REASON if known and (can_be_post_only or not message.flags & POST_ONLY) else BAD_ORDER


def check_prices(message: Message, *, limit: bool, trigger: bool) -> int:
    """The prices that count, of limit and trigger, are within ``MAX_PRICE_TICKS`` of zero.

    >>> check_prices(Message(price=MAX_PRICE_TICKS + 1), limit=True, trigger=False) == BAD_PRICE
    True
    """
    prices = [message.price] * limit + [message.trigger] * trigger
    return BAD_PRICE if any(abs(price) > MAX_PRICE_TICKS for price in prices) else NO_REASON


def require_at_least(least: int, **settings: int) -> None:
    """Raise ``ValueError`` for a setting of the exchange that is too small."""
    for name, value in settings.items():
        if value < least:
            raise ValueError(f"ReferenceExchange: {name}={value} must be at least {least}")

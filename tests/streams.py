"""Messages for the exchange: long random streams as arrays, and short adversarial ones for hypothesis.

A stream is drawn without knowing the book, so whether an id is live, a price crosses or a stop is reached is
left to chance. Each id has habits (owner, side) that most of its rows keep, because otherwise nearly every
cancel would come from the wrong owner.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE
from twin_env.reference.messages import Message
from twin_env.reference.protections import GuardTerms

KIND_SHARES = {
    codes.NEW: 0.63,
    codes.CANCEL: 0.08,
    codes.REDUCE: 0.05,
    codes.REPLACE: 0.10,
    codes.EXECUTE: 0.10,
    codes.PRINT: 0.035,
    codes.HALT: 0.0015,
    codes.RESUME: 0.0005,
    codes.CLOSE: 0.0005,
    codes.PRE_OPEN: 0.0015,
    codes.OPEN: 0.0005,
    codes.DISCONNECT: 0.001,
    0: 0.001,
    10: 0.0015,
}
TYPE_SHARES = {codes.LIMIT: 0.79, codes.MARKET: 0.07, codes.STOP: 0.06, codes.STOP_LIMIT: 0.08}
TIF_SHARES = {codes.GTC: 0.70, codes.DAY: 0.12, codes.IOC: 0.11, codes.FOK: 0.07}
OWNER_SHARES = {codes.BACKGROUND: 0.40, 1: 0.25, 2: 0.2, 3: 0.15}
BAD_VALUES = {
    "lots": (0, -1, codes.MAX_LOTS + 1, 2**50),  # not MAX_LOTS itself: it would be a wall that nothing gets through
    "price": (-codes.MAX_PRICE_TICKS - 1, codes.MAX_PRICE_TICKS + 1, codes.MAX_PRICE_TICKS, -(2**50)),
    "trigger": (-codes.MAX_PRICE_TICKS - 1, codes.MAX_PRICE_TICKS + 1, -codes.MAX_PRICE_TICKS, 2**50),
    "side": (0, 2, -2),
    "type": (-1, 4),
    "tif": (-1, 4),
}
SMALL_KINDS = (
    [codes.NEW] * 16
    + [codes.CANCEL, codes.REDUCE, codes.PRINT, codes.RESUME, codes.OPEN] * 2
    + [codes.REPLACE, codes.EXECUTE] * 4
    + [codes.PRE_OPEN]
)
KEEPS_HABIT = 0.95
TAKES_TURN = 0.75


def random_messages(
    seed: int,
    count: int,
    *,
    orders: int,
    spread_ticks: float = 6.0,
    swing_ticks: float = 60.0,
    far: float = 0.01,
    bad: float = 0.01,
    ends: float = 0.03,
    halts: bool = True,
) -> np.ndarray:
    """Draw messages of every kind, valid and invalid.

    Args:
        seed: The same seed gives the same stream.
        count: Number of messages.
        orders: Ids are drawn from ``[0, orders)``, with a few outside.
        spread_ticks: Mean distance of passive prices from the mid.
        swing_ticks: Standard deviation of the wandering mid, which averages 0: half of all prices are negative.
        far: Share of prices far away from the mid.
        bad: Share of rows in which one field is out of range.
        ends: Share of rows flagged ENDS_ORDER.
        halts: Include messages of the venue. Each halt is followed by a RESUME within 40 messages, the collecting of
            orders by an OPEN within 80.

    Returns:
        ``layout.MESSAGE`` array of shape ``(count,)``; ``ts_ns`` increases.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, MESSAGE)
    _draw_times(rng, rows)
    _draw_terms(rng, rows, orders, ends)
    _draw_prices(rng, rows, spread_ticks, swing_ticks, far)
    _draw_bad_values(rng, rows, bad)
    if halts:
        _resume_after_halts(rng, rows)
    else:
        venue = np.isin(rows["kind"], [codes.HALT, codes.RESUME, codes.CLOSE, codes.PRE_OPEN, codes.OPEN])
        rows["kind"][venue] = codes.NEW
    return rows


def _pick(rng, shares, count):
    weights = np.array(list(shares.values()))
    return rng.choice(list(shares), size=count, p=weights / weights.sum())


def _draw_times(rng, rows):
    count = len(rows)
    rows["ts_ns"] = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(1, 1_000_000, count))
    rows["recv_ns"] = rows["ts_ns"] + rng.integers(0, 1_000_000, count)
    rows["seq"] = np.arange(count)


def _draw_terms(rng, rows, orders, ends):
    count = len(rows)
    rows["kind"] = _pick(rng, KIND_SHARES, count)
    ids = _draw_ids(rng, rows["kind"], orders)
    owners = _pick(rng, OWNER_SHARES, orders)[ids]
    sides = np.where(ids % 2 == 0, codes.BUY, codes.SELL)
    rows["owner"] = np.where(rng.random(count) < KEEPS_HABIT, owners, rng.integers(0, 4, count))
    aggressors = np.where(rows["kind"] == codes.EXECUTE, -sides, sides)
    rows["side"] = np.where(rng.random(count) < KEEPS_HABIT, aggressors, rng.choice([-1, 1], count))
    rows["order"] = np.where(rng.random(count) < 0.003, rng.choice([-1, -7, orders, orders + 5], count), ids)
    rows["row"] = NONE
    rows["type"] = _pick(rng, TYPE_SHARES, count)
    rows["tif"] = _pick(rng, TIF_SHARES, count)
    rows["lots"] = rng.geometric(0.2, count) * np.where(rng.random(count) < 0.05, 10, 1)
    post_only = rng.random(count) < np.where((rows["type"] == codes.LIMIT) & (rows["tif"] <= codes.DAY), 0.15, 0.005)
    rows["flags"] = post_only * codes.POST_ONLY + (rng.random(count) < ends) * codes.ENDS_ORDER
    rows["flags"] |= rng.choice([0, codes.SNAPSHOT, codes.LAST_IN_EVENT, codes.GAP], count).astype(np.int16)


def _draw_ids(rng, kinds, orders):
    """New orders mostly take ids in turn, the other rows mostly name a fairly recent new order."""
    news = np.cumsum(kinds == codes.NEW)
    back = np.where(kinds == codes.NEW, 0, rng.geometric(0.08, len(kinds)))
    return np.where(rng.random(len(kinds)) < TAKES_TURN, news - back, rng.integers(0, orders, len(kinds))) % orders


def _draw_prices(rng, rows, spread_ticks, swing_ticks, far):
    count = len(rows)
    mid = _wandering_mid(rng, count, swing_ticks)
    distance = rng.geometric(1 / spread_ticks, count)
    distance = np.where(rng.random(count) < 0.16, -rng.geometric(0.25, count), distance)  # through the mid
    distance = np.where(rng.random(count) < far, rng.integers(50, 5_000, count), distance)
    # An execution or print is priced by its aggressor, everything else by its own side.
    is_historical = np.isin(rows["kind"], [codes.EXECUTE, codes.PRINT])
    side = np.where(is_historical, -rows["side"], rows["side"]).astype(np.int64)
    rows["price"] = mid - side * distance
    rows["trigger"] = mid + rows["side"] * (rng.geometric(0.1, count) - 1)


def _wandering_mid(rng, count, swing_ticks):
    """Waves of many lengths, the longer the larger, with small jumps: it wanders but averages zero."""
    position = np.arange(count)
    lengths = 2_000.0 * 3.0 ** np.arange(5)
    heights = np.sqrt(lengths / lengths.sum())
    waves = [
        height * np.sin(2 * np.pi * (position / length + phase))
        for length, height, phase in zip(lengths, heights, rng.random(len(lengths)), strict=True)
    ]
    jumps = 3 * rng.standard_normal(count // 200 + 1).repeat(200)[:count]
    return np.rint(np.sum(waves, axis=0) * swing_ticks * np.sqrt(2) + jumps).astype(np.int64)


def _draw_bad_values(rng, rows, bad):
    chosen = np.flatnonzero(rng.random(len(rows)) < bad)
    which = rng.integers(0, len(BAD_VALUES), len(chosen))
    for index, (name, values) in enumerate(BAD_VALUES.items()):
        at = chosen[which == index]
        rows[name][at] = rng.choice(values, len(at))


def _resume_after_halts(rng, rows):
    for kinds, answer, latest in (([codes.PRE_OPEN], codes.OPEN, 80), ([codes.HALT, codes.CLOSE], codes.RESUME, 40)):
        asked = np.flatnonzero(np.isin(rows["kind"], kinds))
        answers = asked + rng.integers(1, latest, len(asked))
        rows["kind"][answers[answers < len(rows)]] = answer


def small_messages(*, orders: int = 5) -> st.SearchStrategy[Message]:
    """One message with few ids, few prices and few lots, so that a short list of them collides a lot."""
    post_only, ends = codes.POST_ONLY, codes.ENDS_ORDER
    return st.builds(
        Message,
        ts_ns=st.integers(0, 9),
        price=_mostly(range(-3, 4), BAD_VALUES["price"]),
        trigger=_mostly(range(-3, 4), BAD_VALUES["trigger"]),
        lots=_mostly(range(1, 7), (*BAD_VALUES["lots"], codes.MAX_LOTS)),
        order=_mostly(range(orders), (-1, orders)),
        owner=st.integers(0, 2),
        flags=_mostly([0] * 9 + [post_only], [ends, post_only | ends]),
        kind=_mostly(SMALL_KINDS, (codes.HALT, codes.CLOSE, codes.DISCONNECT, 0, 10)),
        side=_mostly((codes.BUY, codes.SELL), BAD_VALUES["side"]),
        type=_mostly([codes.LIMIT] * 5 + [codes.MARKET, codes.STOP, codes.STOP_LIMIT], BAD_VALUES["type"]),
        tif=_mostly([codes.GTC] * 4 + [codes.DAY, codes.IOC, codes.FOK], BAD_VALUES["tif"]),
    )


def short_sequences(*, orders: int = 5) -> st.SearchStrategy[list[Message]]:
    """About 25 small messages. Blocks, because plain lists of hypothesis are mostly shorter than a story needs."""
    blocks = st.lists(st.lists(small_messages(orders=orders), max_size=10), max_size=14)
    return blocks.map(lambda lists: [message for block in lists for message in block])


def _mostly(usual: Iterable[int], rare: Iterable[int]) -> st.SearchStrategy[int]:
    usual = list(usual)
    return st.sampled_from(usual * (100 // len(usual)) + list(rare))


def protections_of_exchange() -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments of an exchange that pauses and rejects easily; mostly it has no such rules."""
    guard = st.builds(GuardTerms, st.integers(1, 3), st.integers(1, 20), st.integers(1, 12))
    return st.fixed_dictionaries(
        {"band_ticks": _mostly([0, 0, 2, 4], [1]), "guards": st.lists(guard, max_size=2).map(tuple)}
    )


def settings_of_exchange(*, orders: int = 5) -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments of an exchange whose capacities are easily reached."""
    settings = st.fixed_dictionaries(
        {
            "protection_ticks": st.integers(0, 3),
            "self_match": st.sampled_from(list(codes.SELF_MATCH_NAMES)),
            "max_orders": st.just(orders),
            "max_levels": st.integers(1, 4),
            "max_stops": st.integers(0, 3),
        }
    )
    return st.builds(lambda plain, protections: plain | protections, settings, protections_of_exchange())


def to_array(messages: list[Message]) -> np.ndarray:
    """Return messages as a ``layout.MESSAGE`` array of shape ``(len(messages),)``."""
    return np.array([tuple(message) for message in messages], MESSAGE)

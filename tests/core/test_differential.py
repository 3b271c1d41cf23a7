"""The compiled exchange, the reference and the naive oracle give the same events on the same messages."""

from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import levels_of
from tests.core.soundness import assert_sound
from tests.core.worlds import CRAMPED, DRIVEN, book_template, examples, to_tape
from tests.oracle import NaiveExchange
from tests.streams import protections_of_exchange, random_messages, short_sequences, to_array
from twin_env.core.exchange import exchange
from twin_env.core.state import codes, layout
from twin_env.reference import GuardTerms, Message, ReferenceExchange, read_messages

COUNTERS = ("displaced_lots", "unresolved_lots", "missing_orders", "expired_lots")
CHUNK = 20_000
IDS = DRIVEN.orders
SIDES = pytest.mark.parametrize("side", [codes.BUY, codes.SELL], ids=["buy", "sell"])
POLICIES = pytest.mark.parametrize("self_match", codes.SELF_MATCH_NAMES, ids=codes.SELF_MATCH_NAMES.get)


class CompiledExchange:
    """The compiled exchange with the interface of the other two."""

    def __init__(self, profile, **config):
        self.worlds = book_template(profile, **config)
        self.world = self.worlds[0]

    def play(self, rows):
        events = np.zeros(16 * len(rows) + 4096, layout.EVENT)
        count = exchange.handle_all(self.worlds, 0, to_tape(rows), events)
        assert count <= len(events)
        return events[:count].tolist()

    def state(self):
        world = self.world
        return {
            "last_trade": int(world["last_trade"]) if world["traded"] else None,
            "halted": bool(world["venue"]["halted"]),
            "collecting": bool(world["venue"]["auction"]),
            "divergence": {name: int(world["divergence"][name]) for name in COUNTERS},
            "depth": [levels_of(world["book"], side) for side in (codes.BUY, codes.SELL)],
        }


class PlainExchange:
    """The reference or the oracle, fed with arrays."""

    def __init__(self, plain, profile, **config):
        self.plain = plain(max_orders=profile.orders, max_levels=profile.levels, max_stops=profile.stops, **config)

    def play(self, rows):
        return [event for message in read_messages(rows) for event in self.plain.handle(message)]

    def state(self):
        plain = self.plain
        is_reference = isinstance(plain, ReferenceExchange)
        counters = asdict(plain.divergence) if is_reference else {name: getattr(plain, name) for name in COUNTERS}
        sides = (codes.BUY, codes.SELL)
        depth = [plain.depth(side, 10**6) if is_reference else plain.depth(side) for side in sides]
        return {
            "last_trade": plain.last_trade,
            "halted": plain.halted,
            "collecting": plain.collecting,
            "divergence": counters,
            "depth": depth,
        }


def sequences():
    """Short sequences of messages; what only a file or the desk fills in is left out."""
    plain = {"recv_ns": 0, "seq": 0, "row": layout.NONE}
    lists = short_sequences(orders=CRAMPED.orders)
    return lists.map(lambda messages: to_array([message._replace(**plain) for message in messages]))


def assert_same_events(got, expected, rows):
    if got == expected:
        return
    at = next((i for i, pair in enumerate(zip(got, expected, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(got), len(expected)) if at is None else at
    shown = {name: events[at : at + 3] for name, events in (("got", got), ("expected", expected))}
    message = next(Message(*row) for row in rows.tolist() if row[0] == (got + expected)[at][0])
    pytest.fail(f"event {at} differs: got {shown['got']}, expected {shown['expected']}, near {message}")


def assert_same(profile, config, rows, plains=(ReferenceExchange,)):
    """Play the same rows in all exchanges, chunk by chunk; return how often each (kind, reason) came."""
    compiled = CompiledExchange(profile, **config)
    others = [PlainExchange(plain, profile, **config) for plain in plains]
    seen, lots = Counter(), Counter()
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        events = compiled.play(chunk)
        for other in others:
            assert_same_events(events, other.play(chunk), chunk)
            assert compiled.state() == other.state()
        assert_sound(compiled.world)
        seen.update((event[5], event[6]) for event in events)
        for event in events:
            lots[event[5]] += event[2]
    assert_counted(compiled.world, seen, lots)
    return seen


def assert_counted(world, seen, lots):
    """The world's counters are those of its events: seen by (kind, reason), lots by kind."""
    trades = (codes.TRADED, codes.PRINTED)
    assert world["event_count"] == seen.total()
    assert world["trade_count"] == sum(count for (kind, _), count in seen.items() if kind in trades)
    assert world["traded_lots"] == sum(lots[kind] for kind in trades)
    of_rejects = (*range(codes.HALTED, codes.BY_USER), codes.PRICE_BAND)  # the others are of cancels, or of both
    for reason in of_rejects:
        elected_in_vain = seen[codes.CANCELLED, reason]
        assert world["rejects"][reason] == seen[codes.REJECTED, reason] + elected_in_vain, codes.REASON_NAMES[reason]


@settings(max_examples=examples(250), deadline=None)
@given(
    protection_ticks=st.integers(0, 3),
    self_match=st.sampled_from(list(codes.SELF_MATCH_NAMES)),
    protections=protections_of_exchange(),
    rows=sequences(),
)
def test_short_sequences_in_a_cramped_world(protection_ticks, self_match, protections, rows):
    config = {"protection_ticks": protection_ticks, "self_match": self_match} | protections
    assert_same(CRAMPED, config, rows, (ReferenceExchange, NaiveExchange))


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(
    protection_ticks=st.integers(0, 3),
    self_match=st.sampled_from(list(codes.SELF_MATCH_NAMES)),
    protections=protections_of_exchange(),
    rows=sequences(),
)
def test_many_short_sequences_in_a_cramped_world(protection_ticks, self_match, protections, rows):
    config = {"protection_ticks": protection_ticks, "self_match": self_match} | protections
    assert_same(CRAMPED, config, rows, (ReferenceExchange, NaiveExchange))


@POLICIES
def test_random_stream(self_match):
    config = {"protection_ticks": 8, "self_match": self_match}
    rows = random_messages(40 + self_match, 2_000, orders=IDS)
    assert_same(DRIVEN, config, rows, (ReferenceExchange, NaiveExchange))


@POLICIES
def test_longer_random_stream_against_the_reference(self_match):
    config = {"protection_ticks": 8, "self_match": self_match}
    seen = assert_same(DRIVEN, config, random_messages(55 + self_match, 20_000, orders=IDS, far=0.4))
    at_the_gateway = {codes.LINK_CAPACITY, codes.GATEWAY, codes.THROTTLED, codes.MARGIN}
    rare = {codes.NO_OPPOSITE, codes.PRICE_BAND} | at_the_gateway
    rare |= {codes.SELF_MATCH} if self_match == codes.ALLOW else set()
    assert {reason for _, reason in seen} >= set(codes.REASON_NAMES) - rare, "the stream is meant to meet them all"
    assert {kind for kind, _ in seen} == set(codes.EVENT_NAMES) - {codes.STATUS}


GUARDS = (GuardTerms(6, 10_000_000, 3_000_000), GuardTerms(14, 200_000_000, 15_000_000))
"""Of random streams, whose messages are half a millisecond apart."""


@POLICIES
@pytest.mark.parametrize("band_ticks", [0, 12])
def test_random_stream_with_protections(self_match, band_ticks):
    config = {"protection_ticks": 8, "self_match": self_match, "band_ticks": band_ticks, "guards": GUARDS}
    rows = random_messages(80 + self_match, 4_000, orders=IDS)
    seen = assert_same(DRIVEN, config, rows, (ReferenceExchange, NaiveExchange))
    assert seen[codes.REJECTED, codes.NO_MATCHING] > 30, "the stream is meant to pause"
    assert (seen[codes.REJECTED, codes.PRICE_BAND] > 30) == (band_ticks > 0)


def test_longer_random_stream_with_protections_against_the_reference():
    config = {"protection_ticks": 8, "self_match": codes.CANCEL_RESTING, "band_ticks": 60, "guards": GUARDS}
    assert_same(DRIVEN, config, random_messages(90, 20_000, orders=IDS, swing_ticks=120.0))


def test_every_capacity_is_met_and_rejected_alike():
    rows = random_messages(7, 20_000, orders=CRAMPED.orders + 3, halts=False)
    seen = assert_same(CRAMPED, {"protection_ticks": 8}, rows, (ReferenceExchange, NaiveExchange))
    for reason in (codes.ORDER_CAPACITY, codes.LEVEL_CAPACITY, codes.STOP_CAPACITY):
        assert seen[codes.REJECTED, reason] > 10, codes.REASON_NAMES[reason]


def test_a_stream_in_pieces_leaves_the_same_world():
    rows = random_messages(9, 3_000, orders=IDS)
    whole, pieces = CompiledExchange(DRIVEN), CompiledExchange(DRIVEN)
    events = whole.play(rows)
    assert [event for piece in np.array_split(rows, 17) for event in pieces.play(piece)] == events
    assert pieces.worlds.tobytes() == whole.worlds.tobytes()


@pytest.mark.parametrize("name", [name for name in layout.EVENT.names if name != "contra"])
def test_the_event_hash_sees_every_field_of_an_event(name):
    """One message that differs in one field makes one event that differs in it, and another hash."""
    changes = {
        "ts_ns": {"ts_ns": 8},
        "price": {"price": 101},
        "lots": {"lots": 4},
        "order": {"order": 6},
        "kind": {"lots": 0},
        "reason": {"order": -1},
        "side": {"side": codes.SELL},
        "owner": {"owner": 2},
    }
    message = Message(ts_ns=7, kind=codes.NEW, order=5, side=codes.BUY, price=100, lots=3, owner=1)
    hashes = set()
    for sent in (message, message._replace(**changes[name])):
        compiled = CompiledExchange(DRIVEN)
        assert len(compiled.play(to_array([sent]))) == 1
        hashes.add(int(compiled.world["event_hash"]))
    assert len(hashes) == 2


def test_the_event_hash_sees_which_order_was_hit():
    """Two markets whose resting order has another id: the trades differ in nothing else."""
    resting = Message(ts_ns=7, kind=codes.NEW, order=0, side=codes.SELL, price=100, lots=3)
    taker = Message(ts_ns=8, kind=codes.NEW, order=5, side=codes.BUY, price=100, lots=3)
    hashes = set()
    for order in (1, 2):
        compiled = CompiledExchange(DRIVEN)
        compiled.play(to_array([resting._replace(order=order)]))
        compiled.world["event_hash"] = 0
        assert [event[4] for event in compiled.play(to_array([taker]))] == [-1, order]
        hashes.add(int(compiled.world["event_hash"]))
    assert len(hashes) == 2


@SIDES
def test_a_replace_to_the_same_terms_keeps_its_place(side):
    first = Message(kind=codes.NEW, order=1, side=side, price=100, lots=3)
    taker = Message(kind=codes.NEW, order=5, side=-side, price=100, lots=1, owner=2)
    rows = [first, first._replace(order=2), first._replace(kind=codes.REPLACE), taker]
    assert CompiledExchange(DRIVEN).play(to_array(rows))[-1][3:6] == (5, 1, codes.TRADED)


@SIDES
def test_a_replaced_stop_is_the_youngest(side):
    first = Message(kind=codes.NEW, order=1, side=side, type=codes.STOP, trigger=5 * side, lots=1)
    reached = Message(kind=codes.PRINT, side=side, price=5 * side, lots=1)
    rows = [first, first._replace(order=2), first._replace(kind=codes.REPLACE, lots=2), reached]
    events = CompiledExchange(DRIVEN).play(to_array(rows))
    assert [event[3] for event in events if event[5] == codes.TRIGGERED] == [2, 1]


@pytest.mark.slow
@POLICIES
def test_a_million_messages_against_the_reference(self_match):
    config = {"protection_ticks": 8, "self_match": self_match}
    assert_same(DRIVEN, config, random_messages(60 + self_match, 1_000_000, orders=IDS))


@pytest.mark.slow
def test_a_million_messages_with_protections_against_the_reference():
    config = {"protection_ticks": 8, "self_match": codes.CANCEL_RESTING, "band_ticks": 60, "guards": GUARDS}
    assert_same(DRIVEN, config, random_messages(91, 1_000_000, orders=IDS))


@pytest.mark.slow
def test_a_million_messages_against_the_oracle():
    config = {"protection_ticks": 8, "self_match": codes.CANCEL_RESTING}
    assert_same(DRIVEN, config, random_messages(70, 1_000_000, orders=IDS), (NaiveExchange,))

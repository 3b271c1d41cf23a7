"""DBN files for tests, written with Databento's own encoder."""

import datetime
from types import SimpleNamespace

import databento_dbn as dbn
import zstandard

LAST, SNAPSHOT, BAD_RECEIVE_TIME, MAYBE_BAD_BOOK = 128, 32, 8, 4
ACTIONS = {
    "A": dbn.Action.ADD,
    "C": dbn.Action.CANCEL,
    "M": dbn.Action.MODIFY,
    "T": dbn.Action.TRADE,
    "F": dbn.Action.FILL,
    "R": dbn.Action.CLEAR,
    "N": dbn.Action.NONE,
}
SIDES = {1: dbn.Side.BID, -1: dbn.Side.ASK, 0: dbn.Side.NONE}
START_NS = 1_700_000_000_000_000_000
UNDEFINED = dbn.UNDEF_PRICE
TICK = 250_000_000  # 0.25 in units of 1e-9


def header(schema="mbo", symbols=None, ts_out=False):
    """Return the header of a file; ``symbols``: names and instrument ids."""
    symbols = {"ESH4": 17} if symbols is None else symbols
    dates = {"start_date": datetime.date(2023, 11, 14), "end_date": datetime.date(2023, 11, 15)}
    mappings = [
        SimpleNamespace(raw_symbol=name, intervals=[SimpleNamespace(**dates, symbol=str(number))])
        for name, number in symbols.items()
    ]
    return bytes(
        dbn.Metadata(
            dataset="GLBX.MDP3",
            start=START_NS,
            stype_in=dbn.SType.RAW_SYMBOL,
            stype_out=dbn.SType.INSTRUMENT_ID,
            schema=dbn.Schema(schema),
            symbols=list(symbols),
            mappings=mappings,
            ts_out=ts_out,
        )
    )


class Mbo:
    """Writes MBO records one after another, each with the next number and, by default, a microsecond later."""

    def __init__(self):
        self.records = []
        self.ts_ns = START_NS
        self.sequence = 0

    def add(self, action, order=0, side=0, ticks=0, lots=0, *, flags=LAST, step_ns=1000, **fields):
        self.ts_ns += step_ns
        self.sequence += 1
        price = fields.pop("price", ticks * TICK)
        values = {"publisher_id": 1, "instrument_id": 17, "ts_event": self.ts_ns, "ts_recv": self.ts_ns + 500}
        values |= {"order_id": order, "price": price, "size": lots, "sequence": self.sequence, "flags": flags}
        values |= {"action": ACTIONS[action], "side": SIDES[side], "channel_id": 0, **fields}
        self.records.append(bytes(dbn.MBOMsg(**values)))
        return self

    def event(self, *records, step_ns=1000):
        """Write several records of one moment, the last flagged as such: (action, order, side, ticks, lots)."""
        for index, record in enumerate(records):
            flags = LAST if index + 1 == len(records) else 0
            self.add(*record, flags=flags, step_ns=0 if index else step_ns)
        return self

    def save(self, path, **facts):
        return save(path, b"".join(self.records), **facts)


def save(path, records, **facts):
    """Write header and records; compressed if the name says so."""
    data = header(**facts) + records
    path.write_bytes(zstandard.compress(data) if path.suffix == ".zst" else data)
    return path


def pairs(*levels):
    """Return levels (bid ticks, bid lots, ask ticks, ask lots); lots 0: nobody there."""
    return [
        dbn.BidAskPair(
            bid_px=bid * TICK if bid_lots else UNDEFINED,
            ask_px=ask * TICK if ask_lots else UNDEFINED,
            bid_sz=bid_lots,
            ask_sz=ask_lots,
        )
        for bid, bid_lots, ask, ask_lots in levels
    ]


def quote(ts_ns, levels, *, kind=dbn.MBP1Msg, action="A", side=0, ticks=0, lots=0, sequence=0):
    """Return one record with levels: ``MBP1Msg`` or ``MBP10Msg``."""
    return bytes(
        kind(
            publisher_id=1,
            instrument_id=17,
            ts_event=ts_ns,
            price=ticks * TICK,
            size=lots,
            action=ACTIONS[action],
            side=SIDES[side],
            depth=0,
            ts_recv=ts_ns + 500,
            sequence=sequence,
            levels=pairs(*levels) if kind is dbn.MBP10Msg else pairs(*levels)[0],
        )
    )

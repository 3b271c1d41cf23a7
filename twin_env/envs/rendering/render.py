"""The depth ladder as the desk sees it, drawn as text or as an image.

Prices, lots and orders are the desk's belief; the exchange's touch is marked where it
differs, and the alpha split in the footer is the exchange's.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha import SPLIT_NAMES
from twin_env.core.state.codes import BUY, SELL, TYPE_NAMES
from twin_env.core.state.layout import NONE
from twin_env.envs.rendering import canvas
from twin_env.envs.rendering.canvas import COLUMNS, Bar, Colour, Line, Text
from twin_env.envs.rendering.depth import ROWS, SIDES, Depth, Own, read_depth
from twin_env.market.instrument import Instrument

_SIDE_NAMES: Final = {BUY: "BUY", SELL: "SELL"}
_POSITION_NAMES: Final = {BUY: "LONG", SELL: "SHORT"}
_TOUCH_NAMES: Final = {BUY: "bid", SELL: "ask"}
_MARKS: Final = {BUY: ">", SELL: "<"}
_COLOURS: Final = {BUY: canvas.GREEN, SELL: canvas.RED}

# First column and width of each cell of a bid; those of an ask are their mirror image.
_OWN: Final = (1, 15)
_LOTS: Final = (18, 4)
_BAR: Final = (23, 10)
_MARK: Final = (33, 1)
_CENTRE_WIDTH: Final = 12
_FOOTER_CELLS: Final = ((1, 24), (28, 24), (55, 24))


def draw_ansi(world: Any, task: Any, instrument: Instrument) -> str:
    """Draw the ladder as text.

    Args:
        world: One record of ``layout.world_dtype``.
        task: One record of the environment's ``TASK``.
        instrument: What the world trades.

    Returns:
        ``canvas.LINES`` lines of at most ``canvas.COLUMNS`` characters, with terminal colours.
    """
    return canvas.to_text(_draw(world, task, instrument))


def draw_rgb(world: Any, task: Any, instrument: Instrument) -> NDArray[np.uint8]:
    """Draw the same as an image.

    Args:
        world: One record of ``layout.world_dtype``.
        task: One record of the environment's ``TASK``.
        instrument: What the world trades.

    Returns:
        uint8 of shape ``(canvas.HEIGHT_PX, canvas.WIDTH_PX, 3)``.
    """
    return canvas.to_pixels(_draw(world, task, instrument))


def _draw(world: Any, task: Any, instrument: Instrument) -> list[Line]:
    depth = read_depth(world)
    return [
        *_header(world, task, depth, instrument),
        *_ladder(depth, instrument),
        _notes(depth, instrument),
        *_footer(task, instrument),
    ]


def _header(world: Any, task: Any, depth: Depth, instrument: Instrument) -> list[Line]:
    desk = world.desk
    time = np.datetime_as_string(np.datetime64(int(world.now_ns) // 1_000_000, "ms")).replace("T", " ")
    left_s = max(int(task.end_ns) - int(world.now_ns), 0) / 1e9
    about_task = [
        (instrument.symbol[:12], canvas.WHITE),
        (f"{time} UTC", canvas.GREY),
        _doing(desk, task),
        (f"{left_s:.1f} s left", canvas.WHITE),
    ]
    age_ms = (int(world.now_ns) - int(desk.feed_ns)) / 1e6
    about_desk = [
        (f"mid {_price(depth.mid_half_ticks, instrument, per_tick=2)}", canvas.WHITE),
        (_spread(depth), canvas.WHITE),
        (f"feed {age_ms:.0f} ms old" if age_ms < 1e4 else f"feed {age_ms / 1e3:.0f} s old", canvas.WHITE),
        (f"{desk.pending} pending", canvas.ORANGE if desk.pending else canvas.GREY),
        ("GAP", canvas.RED) if desk.gap else ("no gap", canvas.GREY),
    ]
    titles = [span for side in SIDES for span in _side_titles(side)]
    return [
        Line(_spread_out(about_task), canvas.PANEL),
        Line(_spread_out(about_desk), canvas.PANEL),
        Line([*titles, _centred("price", canvas.GREY)]),
    ]


def _doing(desk: Any, task: Any) -> tuple[str, Colour]:
    """Return how much of a parent order is filled; of a window, which has none, the position."""
    if "side" in task.dtype.names:
        side = int(task.side)
        text = f"{_SIDE_NAMES.get(side, 'no side')} {_count(int(desk.filled_lots))}/{_count(int(task.lots))} lots"
    else:
        position = int(desk.position)
        side = (position > 0) - (position < 0)
        text = f"{_POSITION_NAMES[side]} {_count(abs(position))} lots" if side else "flat"
    return text, _COLOURS.get(side, canvas.GREY)


def _spread(depth: Depth) -> str:
    bid, ask = depth.touch[BUY], depth.touch[SELL]
    if bid is None or ask is None:
        return "spread none"
    return f"spread {ask - bid} tick{'' if ask - bid == 1 else 's'}"


def _spread_out(words: list[tuple[str, Colour]]) -> list[Text]:
    """Place words on one line with even space between them, the first at the left margin."""
    spare = max(COLUMNS - 2 - sum(len(text) for text, _ in words), 0)
    spans, used = [], 1
    for place, (text, colour) in enumerate(words):
        column = used + spare * place // max(len(words) - 1, 1)
        spans.append(Text(column, text[: max(COLUMNS - column, 0)], colour))
        used += len(text)
    return spans


def _side_titles(side: int) -> list[Text]:
    titles = ((_OWN, "own after queue"), (_LOTS, "lots"), (_BAR, f"{_TOUCH_NAMES[side]}s"))
    return [_side_cell(side, cell, text, canvas.GREY) for cell, text in titles]


def _ladder(depth: Depth, instrument: Instrument) -> list[Line]:
    most = max(*depth.lots[BUY], *depth.lots[SELL], 1)
    rows: list[Line] = []
    for place, price in enumerate(depth.prices):
        skipped = depth.prices[place - 1] - price - 1 if place else 0
        if skipped:
            rows.append(Line([_centred(f"... {skipped} ticks ...", canvas.GREY, width=34)]))
        rows.append(_row(depth, place, most, instrument))
    return rows + [Line()] * (ROWS - len(rows))


def _row(depth: Depth, place: int, most: int, instrument: Instrument) -> Line:
    price = depth.prices[place]
    is_own = any(price in depth.own[side] for side in SIDES)
    is_level = any(depth.lots[side][place] for side in SIDES)
    spans: list[Text | Bar] = [_centred(_price(price, instrument), canvas.WHITE if is_level or is_own else canvas.GREY)]
    for side in SIDES:
        lots = depth.lots[side][place]
        if lots:
            column, width = _mirrored(side, _BAR)
            spans.append(Bar(column, width, lots / most, _COLOURS[side], from_right=side == BUY))
            spans.append(_side_cell(side, _LOTS, _count(lots), _COLOURS[side]))
        if depth.is_stale(side) and depth.true_touch[side] == price:
            spans.append(_side_cell(side, _MARK, _MARKS[side], canvas.CYAN))
        if price in depth.own[side]:
            own = depth.own[side][price]
            spans.append(_side_cell(side, _OWN, _own_text(own), canvas.ORANGE if own.pending_lots else canvas.YELLOW))
    return Line(spans, canvas.HIGHLIGHT if is_own else canvas.BACKGROUND)


def _own_text(own: Own) -> str:
    live, pending = _count(own.live_lots), _count(own.pending_lots)
    if own.pending_lots:
        return f"{live}+{pending} pending" if own.live_lots else f"{pending} pending"
    return f"{live} after {'?' if own.ahead_lots == NONE else _count(own.ahead_lots)}"


def _notes(depth: Depth, instrument: Instrument) -> Line:
    """Say in one line what has no place on the ladder, and what its marks mean."""
    notes = [(_touch_note(depth, side, instrument), canvas.CYAN) for side in SIDES if depth.is_stale(side)]
    notes += [(f"{TYPE_NAMES[kind]} {_count(lots)}", canvas.ORANGE) for kind, lots in depth.unpriced_lots.items()]
    hidden = sum(price not in depth.prices for side in SIDES for price in depth.own[side])
    if hidden:
        notes.append((f"{hidden} own not shown", canvas.YELLOW))
    return Line(_spread_out(notes))


def _touch_note(depth: Depth, side: int, instrument: Instrument) -> str:
    touch = depth.true_touch[side]
    price = "none" if touch is None else _price(touch, instrument)
    return f"{_MARKS[side]} exchange {_TOUCH_NAMES[side]} {price}"


def _footer(task: Any, instrument: Instrument) -> list[Line]:
    cells: list[list[Text]] = []
    for place, name in enumerate(SPLIT_NAMES):
        column, width = _FOOTER_CELLS[place % len(_FOOTER_CELLS)]
        money = int(task.parts[place]) / 1e6
        colour = canvas.GREEN if money > 0 else canvas.RED if money < 0 else canvas.GREY
        cells.append([Text(column, name.replace("_", " "), canvas.GREY), _right(column, width, _money(money), colour)])
    column, width = _FOOTER_CELLS[-1]
    cells.append([_right(column, width, f"{instrument.currency} at true mid"[:width], canvas.GREY)])
    rows = [cells[first : first + len(_FOOTER_CELLS)] for first in range(0, len(cells), len(_FOOTER_CELLS))]
    return [Line([span for cell in row for span in cell], canvas.PANEL) for row in rows]


def _money(amount: float) -> str:
    text = f"{amount:.2f}" if round(amount, 2) else "0.00"
    return text if len(text) <= 10 else f"{amount:.3e}"


def _count(lots: int) -> str:
    """Return lots in at most four characters, rounded down."""
    if lots < 10_000:
        return str(lots)
    power = (len(str(lots)) - 1) // 3
    whole, unit = lots // 1000**power, "kMGTPE"[power - 1]
    return f"{whole}.{lots // (1000**power // 10) % 10}{unit}" if whole < 10 else f"{whole}{unit}"


def _price(ticks: int, instrument: Instrument, per_tick: int = 1) -> str:
    """Return a price with the decimals of its tick; ``ticks`` counts fractions 1 / ``per_tick`` of one."""
    exponent = (Decimal(str(instrument.tick_size)) / per_tick).normalize().as_tuple().exponent
    decimals = max(-int(exponent), 0)
    return f"{instrument.to_price(ticks) / per_tick:.{decimals}f}"


def _centred(text: str, colour: Colour, width: int = _CENTRE_WIDTH) -> Text:
    """Place text in the middle; of a price that is too long the last digits matter."""
    shown = text if len(text) <= width else f"..{text[2 - width :]}"
    return Text((COLUMNS - width) // 2, f"{shown:^{width}}", colour)


def _right(column: int, width: int, text: str, colour: Colour) -> Text:
    return Text(column, f"{text:>{width}}", colour)


def _mirrored(side: int, cell: tuple[int, int]) -> tuple[int, int]:
    column, width = cell
    return (column if side == BUY else COLUMNS - column - width), width


def _side_cell(side: int, cell: tuple[int, int], text: str, colour: Colour) -> Text:
    """Place text in a side's cell, against the edge that is nearer to the prices."""
    column, width = _mirrored(side, cell)
    return Text(column, f"{text[:width]:>{width}}" if side == BUY else text[:width], colour)

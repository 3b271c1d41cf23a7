"""Pictures of the ladder: what they must show, and that looking changes nothing.

Worlds are written by hand, field by field, so that these tests need no compiled kernel;
the last one draws a real episode.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_env.alpha import SPLIT_NAMES
from twin_env.core.desk.desk import DONE, FREE, LIVE, SENT
from twin_env.core.state.codes import BUY, LIMIT, MARKET, SELL, STOP
from twin_env.core.state.layout import NONE, Profile, world_dtype
from twin_env.envs.execution.task import TASK
from twin_env.envs.rendering import canvas
from twin_env.envs.rendering.depth import ROWS
from twin_env.envs.rendering.render import draw_ansi, draw_rgb
from twin_env.market.instrument import Instrument

SMALL = Profile("small", orders=8, levels=64, stops=1, rows=16, requests=2, reports=2, market_data=2, events=2)
MGC = Instrument(
    symbol="MGC",
    tick_size=0.1,
    point_value_ccy=10,
    protection_ticks=50,
    taker_fee_ccy_per_lot=0.85,
    maker_fee_ccy_per_lot=0.85,
)
START_NS = 1_748_874_600_000_000_000  # 2025-06-02 14:30 UTC
FIRST_ROW = 3  # lines of the header
LADDER = slice(FIRST_ROW, FIRST_ROW + ROWS)
Y_PX = slice(FIRST_ROW * canvas.CELL_HEIGHT_PX, (FIRST_ROW + ROWS) * canvas.CELL_HEIGHT_PX)
BLOCK = "\N{FULL BLOCK}"


@dataclass
class Order:
    side: int
    price: int
    lots: int
    ahead: int = NONE
    state: int = LIVE
    pending: int = 0
    filled: int = 0
    type: int = LIMIT


@dataclass
class Scene:
    """A world and its task; ``true_*`` are the exchange's books, the desk's unless given."""

    bids: dict[int, int]
    asks: dict[int, int]
    orders: list[Order] = field(default_factory=list)
    mid: int | None = None
    true_bids: dict[int, int] | None = None
    true_asks: dict[int, int] | None = None
    desk: dict[str, int] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)

    def records(self) -> tuple[Any, Any]:
        worlds = np.zeros(1, world_dtype(SMALL)).view(np.recarray)
        tasks = np.zeros(1, TASK).view(np.recarray)
        world, task = worlds[0], tasks[0]
        world.now_ns = START_NS
        write_ladder(world.desk.book, self.bids, self.asks)
        write_ladder(
            world.book,
            self.bids if self.true_bids is None else self.true_bids,
            self.asks if self.true_asks is None else self.true_asks,
        )
        best = [max(self.bids, default=0), min(self.asks, default=1)]
        write(world.desk, {"mid": sum(best) if self.mid is None else self.mid, "feed_ns": START_NS} | self.desk)
        for row, order in enumerate(self.orders):
            write(world.desk.orders[row], vars(order))
        write(task, {"side": BUY, "lots": 20, "end_ns": START_NS + 300_000_000_000} | self.task)
        return worlds, tasks

    def text(self) -> str:
        worlds, tasks = self.records()
        return plain(draw_ansi(worlds[0], tasks[0], MGC))

    def image(self) -> np.ndarray:
        worlds, tasks = self.records()
        return draw_rgb(worlds[0], tasks[0], MGC)


def write(record: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        record[name] = value


def write_ladder(ladder: Any, bids: dict[int, int], asks: dict[int, int]) -> None:
    """Fill a ladder; entries beyond the count hold what an older book left there."""
    ladder.key[:] = 7
    ladder.level[:] = 5
    for row, (side, levels) in enumerate(((BUY, bids), (SELL, asks))):
        ladder.count[row] = len(levels)
        for place, key in enumerate(sorted(side * price for price in levels)):
            index = 2 * (len(levels) - place) + row  # the pool is in no order of price
            ladder.key[row, place] = key
            ladder.level[row, place] = index
            ladder.levels[index]["key"] = key
            ladder.levels[index]["lots"] = levels[side * key]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", text)


@dataclass(frozen=True)
class Row:
    price: int
    bid_lots: int
    ask_lots: int
    buys: str
    sells: str
    marks: str


def read_rows(text: str) -> list[Row | int]:
    """Read the ladder back: rows, and for a row that stands for ticks left out their number."""
    rows: list[Row | int] = []
    for line in text.split("\n")[LADDER]:
        line = f"{line:80}"
        hole = re.search(r"\.\.\. (\d+) ticks \.\.\.", line)
        if hole:
            rows.append(int(hole[1]))
        elif line.strip():
            own, lots, bar = line[1:16].strip(), line[18:22].strip(), line[23:33].strip()
            own_sell, lots_sell, bar_sell = line[64:79].strip(), line[58:62].strip(), line[47:57].strip()
            assert bool(bar) == bool(lots)
            assert bool(bar_sell) == bool(lots_sell)
            price = round(float(line[34:46]) * 10)
            rows.append(Row(price, int(lots or 0), int(lots_sell or 0), own, own_sell, (line[33] + line[46]).strip()))
    return rows


def book_side(side: int, far: int) -> st.SearchStrategy[dict[int, int]]:
    """Offsets from the middle of the market, outwards, to lots."""
    levels = st.dictionaries(st.integers(1, far), st.integers(1, 9999), max_size=30)
    return levels.map(lambda offsets: {-side * offset: lots for offset, lots in offsets.items()})


def own_orders(far: int) -> st.SearchStrategy[list[Order]]:
    order = st.builds(
        Order,
        side=st.sampled_from([BUY, SELL]),
        price=st.integers(-far, far),
        lots=st.integers(1, 9999),
        ahead=st.integers(NONE, 9999),
        state=st.sampled_from([SENT, LIVE]),
        pending=st.integers(0, 1),
    )
    return st.lists(order, max_size=16)


@st.composite
def scenes(draw: st.DrawFn, far: int = 300) -> Scene:
    base = draw(st.sampled_from([0, 43_000, -43_000]))
    levels = [draw(book_side(side, draw(st.sampled_from([10, far])))) for side in (BUY, SELL, BUY, SELL)]
    bids, asks, true_bids, true_asks = ({base + p: lots for p, lots in side.items()} for side in levels)
    orders = draw(own_orders(draw(st.sampled_from([10, far]))))
    for order in orders:
        order.price += base
    return Scene(bids, asks, orders, 2 * base, true_bids, true_asks)


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_ladder_is_right_for_any_book(scene: Scene) -> None:
    text = scene.text()
    lines = text.split("\n")
    assert len(lines) == canvas.LINES
    assert all(line == line.rstrip() and len(line) <= canvas.COLUMNS for line in lines)
    assert not [character for character in set(text) - {"\n", BLOCK} if is_missing(character)]
    rows = read_rows(text)
    assert all(row.bid_lots == scene.bids.get(row.price, 0) for row in rows if isinstance(row, Row))
    assert all(row.ask_lots == scene.asks.get(row.price, 0) for row in rows if isinstance(row, Row))
    check_holes(rows)
    check_touches(scene, rows, text)
    check_own(scene, rows, text)


def check_holes(rows: list[Row | int]) -> None:
    below = None
    for row in reversed(rows):
        if isinstance(row, int):
            assert row > 1
            below += row  # type: ignore[operator]
        else:
            assert below is None or row.price == below + 1
            below = row.price
    assert below is not None


def check_touches(scene: Scene, rows: list[Row | int], text: str) -> None:
    shown = {row.price: row for row in rows if isinstance(row, Row)}
    for side, mark, seen, true in (
        (BUY, ">", scene.bids, scene.true_bids),
        (SELL, "<", scene.asks, scene.true_asks),
    ):
        touch, true_touch = (max(book, key=lambda price: side * price, default=None) for book in (seen, true))
        assert touch is None or touch in shown
        marked = [price for price, row in shown.items() if mark in row.marks]
        assert marked == ([true_touch] if true_touch not in (touch, None) else [])
        assert (f"{mark} exchange" in text) == (touch != true_touch)


def check_own(scene: Scene, rows: list[Row | int], text: str) -> None:
    wanted = {(order.side, order.price) for order in scene.orders}
    shown = {(BUY, row.price) for row in rows if isinstance(row, Row) and row.buys}
    shown |= {(SELL, row.price) for row in rows if isinstance(row, Row) and row.sells}
    assert shown <= wanted
    hidden = re.search(r"(\d+) own not shown", text)
    assert len(wanted - shown) == (int(hidden[1]) if hidden else 0)
    if len({price for _, price in wanted}) <= 6:
        assert shown == wanted


@given(scenes())
@settings(max_examples=30, deadline=None)
def test_drawing_changes_nothing_and_shape_is_fixed(scene: Scene) -> None:
    worlds, tasks = scene.records()
    before = worlds.tobytes(), tasks.tobytes()
    image = draw_rgb(worlds[0], tasks[0], MGC)
    draw_ansi(worlds[0], tasks[0], MGC)
    assert (worlds.tobytes(), tasks.tobytes()) == before
    assert image.shape == (canvas.HEIGHT_PX, canvas.WIDTH_PX, 3)
    assert image.dtype == np.uint8


@given(scenes(far=10))
@settings(max_examples=50, deadline=None)
def test_mirrored_market_is_mirrored_in_the_picture(scene: Scene) -> None:
    mirrored = Scene(
        {-price: lots for price, lots in scene.asks.items()},
        {-price: lots for price, lots in scene.bids.items()},
        [Order(**(vars(order) | {"side": -order.side, "price": -order.price})) for order in scene.orders],
        -scene.mid,
        {-price: lots for price, lots in scene.true_asks.items()},
        {-price: lots for price, lots in scene.true_bids.items()},
    )
    marks = str.maketrans("<>", "><")
    turned = [
        Row(-row.price, row.ask_lots, row.bid_lots, row.sells, row.buys, row.marks.translate(marks)[::-1])
        for row in reversed(read_rows(scene.text()))
    ]
    assert read_rows(mirrored.text()) == turned


def dense_book() -> tuple[dict[int, int], dict[int, int]]:
    return {43_000 - n: 10 + n for n in range(20)}, {43_001 + n: 30 + n for n in range(20)}


def test_dense_book_shows_twelve_ticks_a_side() -> None:
    rows = read_rows(Scene(*dense_book()).text())
    assert [row.price for row in rows] == list(range(43_012, 42_988, -1))
    assert [row.bid_lots for row in rows] == [0] * 12 + list(range(10, 22))
    assert [row.ask_lots for row in rows] == [*range(41, 29, -1)] + [0] * 12


def test_empty_ticks_have_rows_of_their_own() -> None:
    rows = read_rows(Scene({43_000: 5, 42_996: 5}, {43_004: 5, 43_007: 5}).text())
    assert [row.price for row in rows] == list(range(43_013, 42_990, -1))


def test_wide_gaps_are_skipped_and_counted() -> None:
    rows = read_rows(Scene({40_000: 5, 20_000: 6, 10_000: 7}, {50_000: 5, 50_002: 8, 90_000: 9}).text())
    at = [row if isinstance(row, int) else row.price for row in rows]
    top = [90_000, 39_997, 50_002, 50_001, 50_000]
    assert at[:5] == top
    assert at[-5:] == [40_000, 19_999, 20_000, 9_999, 10_000]
    assert len(at) == ROWS


def test_distant_own_order_leaves_the_ticks_around_the_mid() -> None:
    rows = read_rows(Scene({43_000: 5, 42_996: 5}, {43_004: 5, 43_007: 5}, [Order(BUY, 42_900, 1)]).text())
    at = [row if isinstance(row, int) else row.price for row in rows]
    assert at == [*range(43_012, 42_990, -1), 90, 42_900]


def test_a_row_as_it_stands() -> None:
    scene = Scene({43_000: 20, 42_999: 40}, {43_001: 10}, [Order(BUY, 42_999, 7, ahead=12, filled=2)])
    row = scene.text().split("\n")[FIRST_ROW + 12]
    best_ask = scene.text().split("\n")[FIRST_ROW + 11]
    own = scene.text().split("\n")[FIRST_ROW + 13]
    assert row == " " * 20 + "20" + " " * 6 + BLOCK * 5 + " " * 4 + "4300.0"
    assert best_ask == " " * 37 + "4300.1" + " " * 4 + BLOCK * 2 + " " * 9 + "10"
    assert own == " " * 6 + "5 after 12    40 " + BLOCK * 10 + " " * 4 + "4299.9"


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        ([Order(SELL, 43_005, 5, ahead=3)], "5 after 3"),
        ([Order(SELL, 43_005, 5)], "5 after ?"),
        ([Order(SELL, 43_005, 5, state=SENT, pending=1)], "5 pending"),
        ([Order(SELL, 43_005, 5, ahead=3, pending=1)], "5 pending"),
        ([Order(SELL, 43_005, 5, ahead=9), Order(SELL, 43_005, 2, ahead=3)], "7 after 3"),
        ([Order(SELL, 43_005, 5, ahead=9), Order(SELL, 43_005, 2)], "7 after 9"),
        ([Order(SELL, 43_005, 5, ahead=9), Order(SELL, 43_005, 2, state=SENT)], "5+2 pending"),
        ([Order(SELL, 43_005, 12_345, ahead=1_299_999)], "12k after 1.2M"),
        ([Order(SELL, 43_005, 5, type=MARKET)], "5 after ?"),
        ([Order(SELL, 43_005, 5, state=DONE, pending=1)], ""),
        ([Order(SELL, 43_005, 5, state=FREE)], ""),
        ([Order(SELL, 43_005, 5, filled=5)], ""),
        ([Order(SELL, 43_005, 5, type=STOP)], ""),
    ],
)
def test_own_order_at_its_price(orders: list[Order], text: str) -> None:
    rows = read_rows(Scene(*dense_book(), orders).text())
    assert {row.price: row.sells for row in rows if row.sells} == ({43_005: text} if text else {})
    assert not any(row.buys for row in rows)


def test_orders_without_a_price_are_named_below_the_ladder() -> None:
    orders = [
        Order(BUY, 0, 5, state=SENT, pending=1, type=MARKET),
        Order(BUY, 0, 2, state=SENT, pending=1, type=MARKET),
        Order(BUY, 0, 4, type=STOP),
    ]
    text = Scene(*dense_book(), orders).text()
    assert all(row.price != 0 and not row.buys for row in read_rows(text))
    note = text.split("\n")[FIRST_ROW + ROWS]
    assert note.split() == ["market", "7", "stop", "4"]


def test_own_orders_that_do_not_fit_are_counted() -> None:
    orders = [Order(BUY, 43_000 - 100 * n, 1) for n in range(16)]
    text = Scene(*dense_book(), orders).text()
    shown = sum(bool(row.buys) for row in read_rows(text) if isinstance(row, Row))
    assert 8 <= shown < 16
    assert f"{16 - shown} own not shown" in text


def test_own_level_deep_in_the_book_keeps_its_lots() -> None:
    bids = {43_000 - n: 10 + n for n in range(60)}
    rows = read_rows(Scene(bids, {43_001: 1}, [Order(BUY, 42_945, 3)]).text())
    assert rows[-1].price == 42_945
    assert rows[-1].bid_lots == 65


def test_header_tells_the_task_and_the_feed() -> None:
    desk = {"filled_lots": 7, "feed_ns": START_NS - 52_400_000, "pending": 2, "gap": 1}
    first, second = Scene(*dense_book(), desk=desk, task={"side": SELL}).text().split("\n")[:2]
    assert re.split(r"\s{2,}", first.strip()) == [
        "MGC",
        "2025-06-02 14:30:00.000 UTC",
        "SELL 7/20 lots",
        "300.0 s left",
    ]
    assert re.split(r"\s{2,}", second.strip()) == ["mid 4300.05", "spread 1 tick", "feed 52 ms old", "2 pending", "GAP"]


def test_header_without_trouble() -> None:
    desk = {"feed_ns": START_NS - 12_000_000_000}
    first, second = Scene({43_000: 1}, {43_003: 1}, desk=desk, task={"end_ns": 5}).text().split("\n")[:2]
    assert first.endswith("0.0 s left")
    assert "BUY 0/20 lots" in first
    assert re.split(r"\s{2,}", second.strip()) == [
        "mid 4300.15",
        "spread 3 ticks",
        "feed 12 s old",
        "0 pending",
        "no gap",
    ]


def test_widest_header_keeps_its_words_apart() -> None:
    instrument = MGC.model_copy(update={"symbol": "A VERY LONG SYMBOL"})
    task = {"side": SELL, "lots": 2**31, "end_ns": START_NS + 86_400_000_000_000}
    worlds, tasks = Scene(*dense_book(), desk={"filled_lots": 9999}, task=task).records()
    first = plain(draw_ansi(worlds[0], tasks[0], instrument)).split("\n")[0]
    assert re.sub(" +", " ", first) == " A VERY LONG 2025-06-02 14:30:00.000 UTC SELL 9999/2.1G lots 86400.0 s left"


def test_footer_holds_the_split_in_its_order() -> None:
    parts = [(-1) ** n * (1_000_000 * n + 250_000) for n in range(len(SPLIT_NAMES))]
    text = Scene(*dense_book(), task={"parts": parts}).text()
    footer = "  ".join(text.split("\n")[FIRST_ROW + ROWS + 1 :])
    found = re.findall(r"([a-z][a-z ]*?)\s+(-?\d+\.\d\d)", footer)
    assert found == [
        (name.replace("_", " "), f"{part / 1e6:.2f}") for name, part in zip(SPLIT_NAMES, parts, strict=True)
    ]
    assert footer.endswith("USD at true mid")


@pytest.mark.parametrize(
    ("micro", "text"), [(-4_999, "0.00"), (-5_001, "-0.01"), (-123_456_780_000, "-123456.78"), (-(2**62), "-4.612e+12")]
)
def test_money_fits_its_cell(micro: int, text: str) -> None:
    line = Scene({}, {}, task={"parts": [micro] * len(SPLIT_NAMES)}).text().split("\n")[FIRST_ROW + ROWS + 1]
    assert line.split()[:2] == ["net", text]


def test_empty_book_and_empty_exchange() -> None:
    text = Scene({}, {}, mid=2).text()
    assert "spread none" in text
    assert "exchange" not in text
    assert [row.price for row in read_rows(text)] == list(range(12, -11, -1))
    text = Scene({}, {43_001: 3}, mid=86_001, true_bids={43_000: 3}, true_asks={}).text()
    assert "> exchange bid 4300.0" in text
    assert "< exchange ask none" in text


@pytest.mark.parametrize(
    ("tick_size", "bid", "best_bid", "mid"),
    [(0.25, 19_200, "4800.00", "4800.125"), (0.01, -3_763, "-37.63", "-37.625"), (1.0, 7, "7", "7.5")],
)
def test_prices_have_the_decimals_of_their_tick(tick_size: float, bid: int, best_bid: str, mid: str) -> None:
    instrument = MGC.model_copy(update={"tick_size": tick_size})
    worlds, tasks = Scene({bid: 3}, {bid + 1: 4}).records()
    lines = plain(draw_ansi(worlds[0], tasks[0], instrument)).split("\n")
    assert f" mid {mid} " in lines[1]
    assert lines[FIRST_ROW + 12][34:46].strip() == best_bid


def test_long_price_keeps_its_last_digits() -> None:
    instrument = MGC.model_copy(update={"tick_size": 1e-8})
    worlds, tasks = Scene({6_000_000_000_001: 3}, {6_000_000_000_002: 4}).records()
    lines = plain(draw_ansi(worlds[0], tasks[0], instrument)).split("\n")
    assert lines[FIRST_ROW + 12][34:46] == "..0.00000001"


def has_colour(image: np.ndarray, colour: canvas.Colour) -> np.ndarray:
    return np.all(image == colour.rgb, axis=-1)


def test_bars_are_as_long_as_their_lots() -> None:
    image = Scene({43_000: 20, 42_999: 40}, {43_001: 10}).image()[Y_PX]
    middle = canvas.WIDTH_PX // 2
    bars = {BUY: slice(276, 396), SELL: slice(564, 684)}  # ten cells each, next to the prices
    for side, colour, row, bar_px in (
        (BUY, canvas.GREEN, 12, [False] * 60 + [True] * 60),
        (BUY, canvas.GREEN, 13, [True] * 120),
        (SELL, canvas.RED, 11, [True] * 30 + [False] * 90),
    ):
        line = image[row * canvas.CELL_HEIGHT_PX + 10, bars[side]]
        assert has_colour(line, colour).tolist() == bar_px
    assert not has_colour(image[:, middle:], canvas.GREEN).any()
    assert not has_colour(image[:, :middle], canvas.RED).any()


@pytest.mark.parametrize(("state", "colour"), [(LIVE, canvas.YELLOW), (SENT, canvas.ORANGE)])
def test_own_order_glows_in_its_row(state: int, colour: canvas.Colour) -> None:
    image = Scene(*dense_book(), [Order(BUY, 42_998, 3, ahead=4, state=state)]).image()[Y_PX]
    rows = image.reshape(ROWS, canvas.CELL_HEIGHT_PX, canvas.WIDTH_PX, 3)
    assert [bool(has_colour(row, colour).any()) for row in rows] == [place == 14 for place in range(ROWS)]
    assert [bool(has_colour(row, canvas.HIGHLIGHT).any()) for row in rows] == [place == 14 for place in range(ROWS)]
    other = canvas.ORANGE if colour is canvas.YELLOW else canvas.YELLOW
    assert not has_colour(image, other).any()


def read_cells(image: np.ndarray, line: int) -> list[np.ndarray]:
    """Cut a line of the image into its cells."""
    top = line * canvas.CELL_HEIGHT_PX
    return np.split(image[top : top + canvas.CELL_HEIGHT_PX], canvas.COLUMNS, axis=1)


def covered(character: str, colour: canvas.Colour, stripe: canvas.Colour) -> np.ndarray:
    """Return what a cell must look like: the stripe, and over it the colour as far as the character covers it."""
    share = np.asarray(canvas.character_mask(character), np.float64)[:, :, None] / 255.0
    return share * np.array(colour.rgb) + (1.0 - share) * np.array(stripe.rgb)


def is_missing(character: str) -> bool:
    """Tell whether the font shows its box for what it does not have."""
    return canvas.character_mask(character).tobytes() == canvas.character_mask("\uffff").tobytes()


def test_image_spells_what_the_text_says() -> None:
    scene = Scene(*dense_book())
    image = scene.image()
    symbol = read_cells(image, 0)[1:4]
    for cell, character in zip(symbol, "MGC", strict=True):
        assert np.abs(cell - covered(character, canvas.WHITE, canvas.PANEL)).max() <= 1.0
    bars = {*range(23, 33), *range(47, 57)}  # drawn to the pixel, not to the cell
    for number, line in enumerate(scene.text().split("\n")):
        cells = [bool(cell.std(axis=(0, 1)).any()) for cell in read_cells(image, number)]
        ladder = FIRST_ROW <= number < FIRST_ROW + ROWS
        for column, character in enumerate(f"{line:80}"):
            if not (ladder and column in bars):
                assert cells[column] == (character != " "), (number, line)


def test_characters_differ_and_stay_in_their_cells() -> None:
    printable = [chr(code) for code in range(33, 127)]
    masks = [canvas.character_mask(character) for character in printable]
    assert all(mask.size == (canvas.CELL_WIDTH_PX, canvas.CELL_HEIGHT_PX) and mask.mode == "L" for mask in masks)
    assert len({mask.tobytes() for mask in masks} - {canvas.character_mask("I").tobytes()}) >= len(printable) - 2
    assert not any(map(is_missing, printable))
    digits = [np.asarray(canvas.character_mask(digit)) for digit in "0123456789"]
    assert all(digit.max() > 200 and not digit[:, [0, -1]].any() for digit in digits)


def test_character_that_the_font_does_not_have_is_a_box() -> None:
    assert is_missing("\N{CJK UNIFIED IDEOGRAPH-4E00}") and np.asarray(canvas.character_mask("\uffff")).any()


def test_the_same_scene_is_the_same_image() -> None:
    orders = [Order(BUY, 42_999, 7, ahead=12, filled=2)]
    first, again = (Scene(*dense_book(), orders).image() for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, Scene(*dense_book()).image())


@pytest.mark.jit
def test_an_episode_can_be_watched() -> None:
    env = gym.make("TwinExecution-v0", render_mode="ansi").unwrapped
    env.reset(seed=7, options={"side": "buy"})
    place = np.array([2, 4, 1])  # a limit order, four ticks behind the touch
    env.step(place)
    world, instrument = env.world, env.market.instrument
    before = world.tobytes()
    text = plain(env.render())
    order = world.desk.orders[0]
    own = [row for row in read_rows(text) if isinstance(row, Row) and row.buys]
    assert [row.price for row in own] == [order["price"]]
    assert own[0].buys == f"{order['lots'] - order['filled']} after {order['ahead']}"
    assert draw_rgb(world, env.task, instrument).any()
    assert world.tobytes() == before


@pytest.mark.jit
@pytest.mark.parametrize(("choice", "words"), [(0, "flat"), (4, "LONG 5 lots"), (5, "SHORT 5 lots")])
def test_a_window_of_trading_shows_its_position_in_the_place_of_a_parent(choice: int, words: str) -> None:
    env = gym.make("TwinTrading-v0", render_mode="ansi").unwrapped
    env.reset(seed=4)
    env.step(np.array([choice, 0, 2, 0, 0, 0]))
    assert words in plain(env.render()).split("\n")[0]
    assert draw_rgb(env.world, env.task, env.market.instrument).any()

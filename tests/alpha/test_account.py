"""The split of an account's fills file, by hand and against a twin that wrote one."""

import pytest

from twin_env import Twin
from twin_env.alpha.account import read_account
from twin_env.config import load_config
from twin_env.market import MarketConfig
from twin_env.market.data.tape import TapeError

MGC = load_config(MarketConfig, "mgc_2025", folder="markets").instrument
FILLS = """fill_time,side,fill_price,fill_lots,fee,decision_price,arrival_mid
2025-06-02T13:00:00Z,buy,4300.2,2,1.70,4300.0,4300.1
2025-06-02T13:05:00Z,SELL,4301.0,3,2.55,4301.1,4301.05
1748869800000000000,buy,4299.0,1,0.85,4299.0,4298.95
"""


def write(folder, text):
    path = folder / "fills.csv"
    path.write_text(text)
    return path


def test_by_hand(tmp_path):
    split = read_account(write(tmp_path, FILLS), MGC)
    long, short = split.trips
    assert (long.side, long.lots, long.exit_price) == (1, 2, 4301.0)
    assert long.net_ccy == pytest.approx(2 * 8.0 - 1.70 - 1.70)
    assert long.strategy_ccy == pytest.approx(2 * 11.0)
    assert (short.side, short.lots, short.entry_price, short.exit_price) == (-1, 1, 4301.0, 4299.0)
    assert short.net_ccy == pytest.approx(20.0 - 0.85 - 0.85)
    assert short.strategy_ccy == pytest.approx(21.0) and short.execution_ccy == pytest.approx(18.3 - 21.0)
    assert split.net == pytest.approx(long.net_ccy + short.net_ccy)
    assert split.fees == pytest.approx(-5.10) and split.missing == {}
    assert split.waiting == pytest.approx(-(2 * 1.0 - 3 * -0.5 + 1 * -0.5))
    assert split.waiting + split.crossing + split.fees == pytest.approx(split.execution)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (
            4,
            {
                "fees": "fee",
                "strategy": "decision_price",
                "execution": "decision_price",
                "waiting": "arrival_mid",
                "crossing": "arrival_mid",
            },
        ),
        (
            5,
            {
                "strategy": "decision_price",
                "execution": "decision_price",
                "waiting": "arrival_mid",
                "crossing": "arrival_mid",
            },
        ),
        (6, {"waiting": "arrival_mid", "crossing": "arrival_mid"}),
    ],
)
def test_what_the_file_cannot_tell_is_said(tmp_path, columns, missing):
    text = "\n".join(",".join(line.split(",")[:columns]) for line in FILLS.splitlines())
    split = read_account(write(tmp_path, text), MGC)
    assert split.missing == missing
    assert all(getattr(split, part) is None for part in missing)
    assert len(split.trips) == 2


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("fill_lots", "size", "column 'fill_lots' is missing, expected fill_time, side, fill_price, fill_lots"),
        (",SELL,", ",hold,", "row 3: side is 'hold', expected buy or sell"),
        ("4299.0,1,", "4299.0,0,", "row 4: fill_lots is '0', expected a whole number of at least 1"),
        ("4299.0,1,", "nan,1,", "row 4: fill_price is 'nan', expected a number"),
        ("2025-06-02T13:05:00Z", "yesterday", "row 3: fill_time is 'yesterday', expected an ISO 8601 time"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, old, new, sentence):
    with pytest.raises(TapeError, match=sentence):
        read_account(write(tmp_path, FILLS.replace(old, new)), MGC)


@pytest.mark.jit
def test_the_fills_of_a_twin_have_the_twins_net_result(tmp_path):
    with Twin(seed=3) as twin:
        for number in range(12):
            twin.desk.submit("sell" if number % 3 else "buy", 1 + number % 2, type="market")
            twin.advance(5)
        if twin.desk.position_lots:
            twin.desk.submit(
                "buy" if twin.desk.position_lots < 0 else "sell", abs(twin.desk.position_lots), type="market"
            )
            twin.advance(5)
        batch, net = twin.events(), twin.alpha()["net"]
    rows = []
    for mark, part in zip(batch.marks, batch.parts, strict=True):
        side, price = "buy" if mark["side"] > 0 else "sell", MGC.to_price(mark["price"])
        rows.append(f"{mark['ts_ns']},{side},{price},{mark['lots']},{part['fee_micro'] * 1e-6}")
    text = "\n".join(["fill_time,side,fill_price,fill_lots,fee", *rows])
    assert read_account(write(tmp_path, text), MGC).net == pytest.approx(net)

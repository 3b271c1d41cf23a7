"""Calibration from executions: known laws are found again, broken files are refused."""

import json

import numpy as np
import polars
import pytest

from twin_env.config import load_config, parse_yaml
from twin_env.market import LinksConfig
from twin_env.market.links import FeedConfig, normal_scores
from twin_env.studies.calibration.fills import calibrate_fills, measure_latency
from twin_env.studies.calibration.fills_file import FillsError, read_fills

SIGMA, VOLUME = 43.0, 300_000.0
START_NS = 1_748_874_600_000_000_000
MS = 1_000_000


def make_fills(
    seed: int,
    parents: int = 1500,
    *,
    exponent: float = 0.5,
    coefficient: float = 0.6,
    half_spread: float = 0.0,
    noise: float = 1.0,
    slow_factor: float = 1.0,
) -> polars.DataFrame:
    """Orders of a known cost law and a known latency law, two or three fills each."""
    rng = np.random.default_rng(seed)
    lots = np.exp(rng.uniform(np.log(30), np.log(3000), parents)).astype(int)
    side = rng.choice([-1, 1], parents)
    duration_s = rng.uniform(60.0, 1800.0, parents) * np.where(np.arange(parents) % 2, slow_factor, 1.0)
    cost = coefficient * SIGMA * (lots / VOLUME) ** exponent + half_spread
    cost += noise * rng.normal(0.0, 1.0, parents) * SIGMA * np.sqrt(duration_s / 82_800.0 / 3.0)
    decision_ns = START_NS + np.arange(parents) * 10**10
    decision_price = 4300.0 + rng.normal(0.0, 50.0, parents)
    count = rng.integers(2, 4, parents)
    rows = np.repeat(np.arange(parents), count)
    place = np.concatenate([np.arange(n) for n in count])
    parts = lots[rows] // count[rows] + np.where(place == 0, lots[rows] % count[rows], 0)
    sent_ns = decision_ns[rows] + (place * 10**9) + rng.integers(MS // 2, 3 * MS // 2, len(rows))
    delay_ns = np.rint(np.exp(rng.normal(np.log(40.0), 0.4, len(rows))) * MS).astype(np.int64)
    last = place == count[rows] - 1
    fill_ns = np.where(last, decision_ns[rows] + (duration_s[rows] * 1e9).astype(np.int64), sent_ns + delay_ns)
    wiggle = np.where(place == 0, -0.3, 0.3 * parts[place == 0][rows] / (lots[rows] - parts[place == 0][rows]))
    price = decision_price[rows] + side[rows] * (cost[rows] + wiggle)
    return polars.DataFrame(
        {
            "parent_id": [f"p{row}" for row in rows],
            "side": np.where(side[rows] == 1, "buy", "sell"),
            "lots": lots[rows],
            "decision_time": decision_ns[rows],
            "decision_price": decision_price[rows],
            "fill_time": fill_ns,
            "fill_price": price,
            "fill_lots": parts,
            "sent_time": sent_ns,
            "arrival_time": sent_ns + delay_ns,
        }
    )


@pytest.fixture
def write(tmp_path):
    def write_table(frame, name="fills.parquet"):
        path = tmp_path / name
        frame.write_parquet(path) if name.endswith(".parquet") else frame.write_csv(path)
        return path

    return write_table


def calibrate(path, **options):
    return calibrate_fills(path, daily_sigma=SIGMA, daily_volume=VOLUME, **options)


# Known laws


@pytest.mark.parametrize("exponent", [0.4, 0.5, 0.7, 1.0])
def test_a_known_law_is_found(write, exponent):
    coefficient = 0.6 * 1e-3 ** (0.5 - exponent)
    fit = calibrate(write(make_fills(1, exponent=exponent, coefficient=coefficient, noise=0.1)))
    assert fit.exponent.low < exponent < fit.exponent.high
    assert fit.exponent.high - fit.exponent.low < 0.06
    assert fit.coefficient.low < coefficient < fit.coefficient.high
    assert fit.peak_coefficient == pytest.approx(coefficient * (1.0 + exponent), rel=0.15)


def test_a_law_without_noise_is_exact(write):
    fit = calibrate(write(make_fills(2, exponent=0.63, coefficient=0.9, noise=0.0)))
    assert fit.exponent.mean == pytest.approx(0.63, abs=1e-4)
    assert fit.coefficient.mean == pytest.approx(0.9, rel=1e-3)
    assert fit.parents == 1500


def test_intervals_cover_the_truth(write):
    seeds = 60
    hits = np.zeros(3)
    for seed in range(seeds):
        fit = calibrate(write(make_fills(100 + seed, parents=800)), replicates=300, seed=seed)
        truths = (fit.exponent, 0.5), (fit.coefficient, 0.6), (fit.sqrt_coefficient, 0.6)
        hits += [estimate.low <= truth <= estimate.high for estimate, truth in truths]
    assert np.all(hits >= 0.87 * seeds)  # 95 % of 60 are 57 with a standard deviation of 1.7
    assert np.all(hits[:2] < seeds)


def test_orders_worked_for_long_do_not_drown_the_others(write):
    wide = calibrate(write(make_fills(12, slow_factor=100.0))).exponent
    narrow = calibrate(write(make_fills(12))).exponent
    assert wide.low < 0.5 < wide.high
    assert wide.high - wide.low < 2.0 * (narrow.high - narrow.low)  # half of the orders say next to nothing


def test_the_half_spread_is_taken_off(write):
    path = write(make_fills(3, half_spread=0.1, noise=0.05))
    assert calibrate(path, half_spread=0.1).exponent.mean == pytest.approx(0.5, abs=0.02)
    assert calibrate(path).exponent.mean < 0.46


def test_latency_quantiles_cover_the_truth(write):
    truth_ms = {p: 40.0 * np.exp(0.4 * z) for p, z in {0.5: 0.0, 0.9: 1.2816, 0.99: 2.3263, 0.999: 3.0902}.items()}
    inside = dict.fromkeys(truth_ms, 0)
    rng = np.random.default_rng(4)
    for _ in range(300):
        wait_ms = np.exp(rng.normal(np.log(40.0), 0.4, 5000))
        for quantile in measure_latency("x", wait_ms).quantiles:
            assert np.isfinite(quantile.delay_ms.low)
            inside[quantile.probability] += (
                quantile.delay_ms.low <= truth_ms[quantile.probability] <= quantile.delay_ms.high
            )
    assert all(0.91 < count / 300 <= 0.99 for count in inside.values()), inside


def test_a_small_sample_has_no_bound_on_its_tail():
    median, _, _, last = measure_latency("x", np.arange(100.0)).quantiles
    assert (median.delay_ms.low, median.delay_ms.high) == (39.0, 60.0)
    assert (last.delay_ms.high, last.delay_ms.mean) == (np.inf, pytest.approx(98.901))
    assert last.to_json() == {"probability": 0.999, "value_ms": pytest.approx(98.901), "low_ms": 98.0, "high_ms": None}


def test_latencies_are_those_of_the_file(write):
    frame = make_fills(5)
    latencies = {latency.name: latency for latency in calibrate(write(frame)).latencies}
    assert set(latencies) == {"decision_to_first_fill", "decision_to_sent", "sent_to_arrival"}
    assert latencies["sent_to_arrival"].count == frame.height
    assert latencies["decision_to_first_fill"].count == 1500
    assert latencies["sent_to_arrival"].quantiles[0].delay_ms.mean == pytest.approx(40.0, rel=0.03)
    first = frame.group_by("parent_id").agg(polars.col("fill_time").min() - polars.col("decision_time").first())
    assert latencies["decision_to_first_fill"].quantiles[0].delay_ms.mean == pytest.approx(
        first["fill_time"].median() / MS
    )


def test_fills_of_one_child_count_once(write):
    frame = make_fills(6, parents=40, noise=0.0)
    halves = frame.with_columns(fill_lots=polars.col("fill_lots") // 2).filter(polars.col("fill_lots") > 0)
    fit = calibrate(write(polars.concat([halves, halves])))
    assert {latency.name: latency.count for latency in fit.latencies}["sent_to_arrival"] == halves.height


def test_the_links_are_ready_to_use(write, tmp_path):
    fit = calibrate(write(make_fills(7)))
    links = load_config(LinksConfig, parse_yaml(fit.links_yaml))
    scores = normal_scores()
    middle = abs(scores) <= 2.0
    assert links.orders.delay.quantiles_ms(scores)[middle] == pytest.approx(
        40.0 * np.exp(0.4 * scores[middle]), rel=0.1
    )
    assert links.reports == links.heartbeats == links.orders
    assert links.market_data == FeedConfig(delay=links.orders.delay)
    assert links.decision_ms == pytest.approx(1001.0, abs=1000.5)
    bare = calibrate(write(make_fills(7).drop("sent_time", "arrival_time"), "bare.parquet"))
    links = load_config(LinksConfig, parse_yaml(bare.links_yaml))
    assert links.decision_ms == 0.0
    assert [latency.name for latency in bare.latencies] == ["decision_to_first_fill"]


# Formats


def test_all_formats_say_the_same(write):
    frame = make_fills(8, parents=60)
    whole = calibrate(write(frame)).to_json()
    times = [name for name in frame.columns if name.endswith("_time")]
    stamps = frame.with_columns(polars.col(times).cast(polars.Datetime("ns", "UTC")))
    texts = stamps.with_columns(polars.col(times).dt.to_string("iso:strict"))
    signs = texts.with_columns(side=polars.col("side").replace_strict({"buy": "+1", "sell": "-1"}))
    columns = frame.with_columns(daily_sigma=polars.lit(SIGMA), daily_volume=polars.lit(VOLUME), note=polars.lit("x"))
    others = {"a.csv": frame, "b.parquet": stamps, "c.csv": texts, "d.csv": signs, "e.csv": columns}
    for name, table in others.items():
        found = calibrate(write(table, name)).to_json()
        assert {**found, "source": "", "links_yaml": ""} == {**whole, "source": "", "links_yaml": ""}, name
    json.dumps(whole)
    fit = calibrate_fills(write(columns, "f.csv"))  # the market's figures are in the file
    assert fit.exponent.mean == whole["cost_exponent"]["mean"]


def test_costs_are_what_was_paid(write):
    frame = polars.DataFrame(
        {
            "parent_id": ["a", "a", "b"],
            "side": ["buy", "buy", "sell"],
            "lots": [10, 10, 4],
            "decision_time": ["2025-06-02T14:30:00Z"] * 2 + ["2025-06-02T14:31:00.000000001Z"],
            "decision_price": [100.0, 100.0, 101.0],
            "fill_time": ["2025-06-02T14:30:02Z", "2025-06-02T14:30:01.5Z", "2025-06-02T14:31:00.000000501Z"],
            "fill_price": [100.5, 101.0, 100.0],
            "fill_lots": [6, 2, 4],
        }
    )
    fills = read_fills(write(frame, "few.csv"), daily_sigma=1.0, daily_volume=100.0)
    assert fills.cost == pytest.approx([(6 * 0.5 + 2 * 1.0) / 8, 1.0])
    assert fills.filled_lots.tolist() == [8.0, 4.0]
    assert fills.first_fill_ns.tolist() == [1_500_000_000, 500]
    assert fills.duration_ns.tolist() == [2_000_000_000, 500]
    assert fills.shares.tolist() == [0.08, 0.04]


# Refusals


def edit(column, row, value):
    return lambda frame: frame.with_columns(
        polars.when(polars.int_range(frame.height) == row).then(polars.lit(value)).otherwise(column).alias(column)
    )


def edit_text(column, row, value):
    return lambda frame: edit(column, row, value)(frame.with_columns(polars.col(column).cast(polars.String)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame.drop("fill_lots"), "column fill_lots is missing, expected at least parent_id, side"),
        (lambda frame: frame.clear(), "has no rows, expected one per fill"),
        (edit_text("side", 2, "hold"), "row 3: side is 'hold', expected buy or sell"),
        (edit_text("lots", 1, "ten"), "row 2: lots is 'ten', expected a whole number"),
        (
            lambda f: edit("lots", 1, 2.5)(f.cast({"lots": polars.Float64})),
            "row 2: lots is .*2.5.*, expected a whole number",
        ),
        (edit("fill_price", 4, float("nan")), "row 5: fill_price is .*(nan|NaN).*, expected a number"),
        (edit("fill_price", 4, None), "row 5: fill_price is empty, expected a number"),
        (edit_text("fill_time", 0, "noon"), "row 1: fill_time is 'noon', expected an ISO 8601 time"),
        (edit("fill_lots", 0, 0), "row 1: fill_lots is 0, expected at least 1"),
        (edit("fill_time", 3, 5), "row 4: fill_time is 5, expected no earlier than decision_time"),
        (edit("arrival_time", 3, 5), "row 4: arrival_time is 5, expected no earlier than sent_time"),
        (edit("decision_price", 0, 1.0), "parent 'p0' has 2 values of decision_price, expected one"),
        (edit("fill_lots", 0, 10**6), "parent 'p0' has .* lots filled, expected at most its .* lots"),
        (lambda frame: frame.head(20), "has .* parent orders, expected at least 30"),
        (
            lambda frame: frame.with_columns(lots=polars.lit(10), fill_lots=polars.lit(1)),
            "the largest Q / V is 1.5 times the smallest, expected at least 3",
        ),
        (
            lambda frame: frame.with_columns(
                side=polars.col("side").replace_strict({"buy": "sell", "sell": "buy"}, return_dtype=polars.String)
            ),
            "orders cost -.* daily sigma on average, expected more than 0",
        ),
    ],
)
@pytest.mark.parametrize("name", ["broken.csv", "broken.parquet"])
def test_broken_files_are_refused_in_one_sentence(write, change, sentence, name):
    path = write(change(make_fills(9, parents=100, noise=0.0)), name)
    with pytest.raises(FillsError, match=sentence) as refused:
        calibrate(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_cost_that_does_not_grow_has_no_exponent(write):
    path = write(make_fills(10, exponent=-0.5, coefficient=0.001, noise=0.0))
    with pytest.raises(FillsError, match="exponent of cost comes out at 0, the edge of the search"):
        calibrate(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "none.csv", "no such file"),
        (lambda folder: (folder / "fills.xlsx").write_bytes(b"x") and folder / "fills.xlsx", "has an unknown ending"),
        (lambda folder: (folder / "x.parquet").write_bytes(b"x") and folder / "x.parquet", "cannot be read"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, make, sentence):
    with pytest.raises(FillsError, match=sentence):
        calibrate(make(tmp_path))


def test_the_markets_figures_must_come_from_somewhere(write):
    path = write(make_fills(11, parents=40))
    with pytest.raises(FillsError, match="column daily_volume is missing, expected it in the file or as an argument"):
        calibrate_fills(path, daily_sigma=SIGMA)
    with pytest.raises(FillsError, match=r"daily_sigma is 0\.0, expected more than 0"):
        calibrate_fills(path, daily_sigma=0.0, daily_volume=VOLUME)

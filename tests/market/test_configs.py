import math
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.config import Config, ConfigError, load_config, preset_names
from twin_env.core.event_loop import advance_world
from twin_env.core.state.codes import CANCEL_BOTH
from twin_env.core.state.layout import FLOW, FLOW_LEVELS, HISTORY, SYNTHETIC, WIDE, world_dtype
from twin_env.core.state.world import create_worlds
from twin_env.market import Instrument, LinksConfig, LobsterHistory, MarketConfig, PoissonFlow
from twin_env.market.flow import AnchoredFlow
from twin_env.market.market import Market

FOLDERS: dict[str, type[Config]] = {"instruments": Instrument, "links": LinksConfig, "markets": MarketConfig}
PRESETS = [(folder, name) for folder in FOLDERS for name in preset_names(folder)]
MGC = load_config(Instrument, "mgc", folder="instruments")
FLOW_CONFIG = load_config(MarketConfig, "mgc_poisson", folder="markets").source
LOBSTER = {"model": "lobster", "messages": "m.csv", "orderbook": "o.csv", "date": "2012-06-21"}


# Presets


@pytest.mark.parametrize(("folder", "name"), PRESETS)
def test_every_preset_is_valid_and_survives_a_round_trip(folder, name):
    config = load_config(FOLDERS[folder], name, folder=folder)
    assert load_config(FOLDERS[folder], config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("instruments", ["aapl", "amzn", "es", "mgc"]),
        ("links", ["adversarial", "colocated", "instant", "retail", "vps"]),
        ("markets", ["es_like", "large_tick", "mgc_2020", "mgc_2025", "mgc_poisson", "small_tick", "thin"]),
    ],
)
def test_the_documented_presets_are_there(folder, names):
    assert set(names) <= set(preset_names(folder))


def test_link_presets_are_ordered_by_delay():
    names = ["instant", "colocated", "vps", "retail", "adversarial"]
    links = [load_config(LinksConfig, name, folder="links") for name in names]
    for leg in ("orders", "reports", "market_data"):
        medians = [getattr(config, leg).delay.quantiles_ns()[40] for config in links]
        assert medians == sorted(set(medians))


def test_the_default_link_is_50_ms_with_20_ms_of_jitter():
    links = load_config(LinksConfig, "retail", folder="links")
    for leg in (links.orders, links.reports, links.market_data):
        assert (leg.delay.mean_ms, leg.delay.sd_ms) == (50.0, 20.0)


def test_the_poisson_preset_fits_its_world():
    market = load_config(MarketConfig, "mgc_poisson", folder="markets")
    assert isinstance(market.source, PoissonFlow)
    levels, seeded = len(market.source.limit_rates_per_s), len(market.source.start_depth_lots)
    expected_orders = 2 * sum(
        limit / cancel
        for limit, cancel in zip(market.source.limit_rates_per_s, market.source.cancel_rates_per_s, strict=True)
    )
    assert market.capacities is SYNTHETIC
    assert expected_orders < SYNTHETIC.orders / 2 and 2 * seeded < SYNTHETIC.orders
    assert len(market.source.start_depth_lots) <= levels < SYNTHETIC.levels


@pytest.mark.parametrize("name", [name for name in preset_names("markets") if name != "mgc_poisson"])
def test_anchored_presets_fit_their_worlds(name):
    market = load_config(MarketConfig, name, folder="markets")
    assert isinstance(market.source, AnchoredFlow)
    ready = Market(market, load_config(LinksConfig, "instant", folder="links"))
    worlds = create_worlds(market.capacities)
    ready.start(worlds, 0, seed=1, start_ns=ready.first_ns)
    for minute in range(1, 11):
        advance_world(worlds, 0, ready.tape, ready.first_ns + minute * 60_000_000_000)
        assert 10 < worlds[0]["live_orders"] < market.capacities.orders / 2
        assert worlds[0]["book"]["count"].max() < market.capacities.levels / 2
        assert worlds[0]["book"]["count"].min() > 1
    assert not worlds[0]["rejects"].any()


# Instrument: ticks and money are exact


@given(st.sampled_from(preset_names("instruments")), st.integers(-(2**40), 2**40))
def test_prices_and_ticks_are_inverse(name, ticks):
    instrument = load_config(Instrument, name, folder="instruments")
    price = instrument.to_price(ticks)
    assert instrument.to_ticks(price) == ticks
    assert price == float(Decimal(str(instrument.tick_size)) * ticks)


@given(st.integers(0, 10**6), st.floats(0.001, 0.999))
def test_a_price_between_two_ticks_is_refused(ticks, part):
    price = (ticks + part) * 0.1
    with pytest.raises(ValueError, match=r"MGC price is .*, expected a multiple of tick_size 0.1"):
        MGC.to_ticks(price)


@pytest.mark.parametrize(
    ("name", "half_tick_micro"), [("mgc", 500_000), ("es", 6_250_000), ("aapl", 5_000), ("amzn", 5_000)]
)
def test_half_a_tick_of_one_lot_in_millionths(name, half_tick_micro):
    assert load_config(Instrument, name, folder="instruments").half_tick_micro == half_tick_micro


def test_money_that_is_no_whole_number_of_millionths_is_refused():
    with pytest.raises(ConfigError) as caught:
        load_config(Instrument, MGC, tick_size=1e-7)
    assert str(caught.value) == (
        "Instrument with overrides: tick_size 1e-07 times point_value_ccy 10 makes half a tick of one lot 0.5 "
        "millionths of a USD, expected a whole number of millionths."
    )


def test_fees_and_self_match_become_integers():
    instrument = load_config(
        Instrument, MGC, taker_fee_ccy_per_lot=0.0030, maker_fee_ccy_per_lot=-0.0021, self_match="cancel_both"
    )
    assert (instrument.taker_fee_micro, instrument.maker_fee_micro) == (3000, -2100)
    assert instrument.self_match_code == CANCEL_BOTH


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tick_size", 0, "tick_size is 0, expected more than 0"),
        ("point_value_ccy", -10, "point_value_ccy is -10, expected more than 0"),
        ("protection_ticks", -1, "protection_ticks is -1, expected at least 0"),
        ("protection_ticks", 1.5, "protection_ticks is 1.5, expected an integer"),
        (
            "self_match",
            "both",
            "self_match is 'both', expected one of allow, cancel_resting, cancel_incoming, cancel_both",
        ),
    ],
)
def test_impossible_instruments_are_refused(key, value, said):
    with pytest.raises(ConfigError) as caught:
        load_config(Instrument, MGC, **{key: value})
    assert caught.value.problems == [f"Instrument with overrides: {said}."]


# The synthetic flow's record

rates = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=FLOW_LEVELS)


@st.composite
def flows(draw) -> PoissonFlow:
    limit_rates = draw(rates)
    levels = len(limit_rates)
    return load_config(
        PoissonFlow,
        FLOW_CONFIG,
        limit_rates_per_s=limit_rates,
        cancel_rates_per_s=draw(st.lists(st.floats(1e-3, 1e3), min_size=levels, max_size=levels)),
        market_rate_per_s=draw(st.floats(1e-3, 1e3)),
        far_cancel_rate_per_s=draw(st.floats(1e-3, 1e3)),
        depth_cap_orders=draw(st.integers(1, 100)),
    )


def filled(config: PoissonFlow, orders: int) -> np.void:
    flow = np.zeros(1, FLOW)[0]
    config.fill_in(flow, orders)
    return flow


@given(flows(), st.integers(1, 1000))
def test_cumulative_rates_choose_every_class_with_its_rate(config, orders):
    flow = filled(config, orders)
    levels = len(config.limit_rates_per_s)
    share = np.diff(flow["cumulative"], prepend=0.0)
    total = flow["cumulative"][-1]
    assert np.all(share >= 0)
    assert share[:levels] == pytest.approx(config.limit_rates_per_s, abs=1e-9 * total)
    cancels = np.array(config.cancel_rates_per_s) * config.depth_cap_orders
    assert share[FLOW_LEVELS : FLOW_LEVELS + levels] == pytest.approx(cancels, abs=1e-9 * total)
    assert share[2 * FLOW_LEVELS] == pytest.approx(config.market_rate_per_s, abs=1e-9 * total)
    assert share[2 * FLOW_LEVELS + 1] == pytest.approx(config.far_cancel_rate_per_s * orders / 2, abs=1e-9 * total)
    unused = np.r_[levels:FLOW_LEVELS, FLOW_LEVELS + levels : 2 * FLOW_LEVELS]
    assert np.all(share[unused] == 0)


@given(flows(), st.integers(1, 1000))
def test_the_total_rate_is_that_of_both_sides(config, orders):
    flow = filled(config, orders)
    one_side = sum(config.limit_rates_per_s) + config.market_rate_per_s
    cancels = sum(config.cancel_rates_per_s) * config.depth_cap_orders
    assert flow["total_rate"] == pytest.approx(2 * one_side + 2 * cancels + config.far_cancel_rate_per_s * orders)
    assert flow["total_rate"] == 2 * flow["cumulative"][-1]


@pytest.mark.parametrize("mean_lots", [1.0, 1.5, 2.0, 5.5, 100.0])
def test_sizes_from_the_record_are_geometric_with_the_stated_mean(mean_lots):
    flow = filled(load_config(PoissonFlow, FLOW_CONFIG, mean_limit_lots=mean_lots, mean_market_lots=mean_lots), 512)
    uniform = (np.arange(1_000_000) + 0.5) / 1_000_000
    for log_growth in (flow["limit_log_growth"], flow["market_log_growth"]):
        lots = 1 + np.floor(np.log(uniform) / log_growth)
        assert lots.min() == 1
        assert lots.mean() == pytest.approx(mean_lots, rel=1e-3)
        assert np.mean(lots == 1) == pytest.approx(1 / mean_lots, abs=1e-5)


def test_filling_in_writes_into_a_world_and_leaves_its_clock_alone():
    worlds = np.zeros(2, world_dtype(SYNTHETIC))
    worlds[1]["flow"]["key"], worlds[1]["flow"]["next_ns"], worlds[1]["flow"]["candidates"] = 7, 8, 9
    FLOW_CONFIG.fill_in(worlds[1]["flow"], SYNTHETIC.orders)
    flow = worlds[1]["flow"]
    assert (flow["key"], flow["next_ns"], flow["candidates"]) == (7, 8, 9)
    assert (flow["levels"], flow["depth_cap"]) == (len(FLOW_CONFIG.limit_rates_per_s), FLOW_CONFIG.depth_cap_orders)
    rates = np.diff(flow["cumulative"], prepend=0.0)
    assert rates[0] == pytest.approx(FLOW_CONFIG.limit_rates_per_s[0])
    assert rates[FLOW_LEVELS] == pytest.approx(FLOW_CONFIG.cancel_rates_per_s[0] * FLOW_CONFIG.depth_cap_orders)
    assert rates[-2] == pytest.approx(FLOW_CONFIG.market_rate_per_s)
    assert rates[-1] == pytest.approx(FLOW_CONFIG.far_cancel_rate_per_s * SYNTHETIC.orders / 2)
    assert flow["limit_log_growth"] == math.log(1 - 1 / FLOW_CONFIG.mean_limit_lots)
    assert not worlds[0].tobytes().strip(b"\0")


def test_a_flow_filled_twice_is_that_of_the_last_configuration():
    short = load_config(PoissonFlow, FLOW_CONFIG, limit_rates_per_s=[1.0], cancel_rates_per_s=[1.0])
    flow = filled(FLOW_CONFIG, 512)
    short.fill_in(flow, 512)
    assert flow.tobytes() == filled(short, 512).tobytes()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "limit_rates_per_s",
            [1.0, 2.0],
            "cancel_rates_per_s has 16 entries and limit_rates_per_s 2, expected equally many",
        ),
        ("limit_rates_per_s", [-1.0] + [1.0] * 15, "limit_rates_per_s[0] is -1.0, expected more than 0"),
        ("cancel_rates_per_s", [], "cancel_rates_per_s is [], expected at least 1 items"),
        ("market_rate_per_s", 0, "market_rate_per_s is 0, expected more than 0"),
        ("depth_cap_orders", 0, "depth_cap_orders is 0, expected at least 1"),
        ("mean_limit_lots", 0.5, "mean_limit_lots is 0.5, expected at least 1"),
        ("start_depth_lots", [3, 0], "start_depth_lots[1] is 0, expected at least 1"),
        ("warm_up_s", -1, "warm_up_s is -1, expected at least 0"),
    ],
)
def test_impossible_flows_are_refused(key, value, said):
    with pytest.raises(ConfigError) as caught:
        load_config(PoissonFlow, FLOW_CONFIG, **{key: value})
    assert caught.value.problems == [f"PoissonFlow with overrides: {said}."]


def test_more_levels_than_the_world_has_are_refused():
    many = [1.0] * (FLOW_LEVELS + 1)
    with pytest.raises(ConfigError, match=f"expected at most {FLOW_LEVELS} items"):
        load_config(PoissonFlow, FLOW_CONFIG, limit_rates_per_s=many, cancel_rates_per_s=many)


# Markets


def test_a_history_is_a_source_too():
    market = load_config(MarketConfig, {"instrument": "aapl", "source": LOBSTER})
    assert isinstance(market.source, LobsterHistory)
    assert (market.source.messages, market.source.date) == (Path("m.csv"), date(2012, 6, 21))
    assert market.capacities is HISTORY


def test_the_profile_can_be_chosen():
    assert load_config(MarketConfig, "small_tick", folder="markets").capacities is WIDE
    assert load_config(MarketConfig, "mgc_poisson", folder="markets", profile="history").capacities is HISTORY


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            {"source.start_price": 4300.05},
            "source.start_price is 4300.05, expected a multiple of the instrument's tick_size 0.1",
        ),
        ({"profile": "tiny"}, "profile is 'tiny', expected one of synthetic, wide, history"),
        (
            {"source.model": "hawkes"},
            "source.model is 'hawkes', "
            "expected one of anchored, poisson, databento, lobster, binance, trades_quotes, bars",
        ),
        ({"source": LOBSTER | {"date": "2012-06-31"}}, "source.date is '2012-06-31', expected a date or datetime"),
    ],
)
def test_impossible_markets_are_refused(overrides, said):
    with pytest.raises(ConfigError) as caught:
        load_config(MarketConfig, "mgc_poisson", folder="markets", **overrides)
    (problem,) = caught.value.problems
    assert problem.startswith("configs/markets/mgc_poisson.yaml") and problem.endswith(f": {said}.")


def test_a_market_names_a_preset_that_is_not_there():
    with pytest.raises(ConfigError) as caught:
        load_config(MarketConfig, "mgc_poisson", folder="markets", instrument="silver")
    (problem,) = caught.value.problems
    assert problem.startswith(
        "configs/markets/mgc_poisson.yaml with overrides: instrument: configs/instruments: there is no"
    )


# Protections of the venue


def compiled_venue(**overrides):
    config = load_config(MarketConfig, "mgc_poisson", folder="markets", **overrides)
    return Market(config, load_config(LinksConfig, "instant", folder="links")).template[0]["venue"]


def test_protections_are_off_unless_the_market_says_so():
    venue = compiled_venue()
    assert venue["band_ticks"] == 0 and not venue["guards"]["move_ticks"].any()


def test_protections_of_the_instrument_reach_the_venue():
    venue = compiled_venue(protections=True)
    assert venue["band_ticks"] == 200
    assert venue["guards"]["move_ticks"].tolist() == [100, 4300]
    assert venue["guards"]["window_ns"].tolist() == [2_000_000_000, 3_600_000_000_000]
    assert venue["guards"]["pause_ns"].tolist() == [5_000_000_000, 120_000_000_000]


def test_what_is_left_out_does_not_protect():
    overrides = {f"instrument.protections.{name}": None for name in ("velocity", "price_band_ticks")}
    venue = compiled_venue(protections=True, **overrides)
    assert venue["band_ticks"] == 0 and venue["guards"]["move_ticks"].tolist() == [0, 4300]


def test_protections_that_the_instrument_does_not_have_are_refused():
    with pytest.raises(ConfigError, match=r"protections is true, expected an instrument that has some \(ES has none\)"):
        compiled_venue(protections=True, instrument="es")

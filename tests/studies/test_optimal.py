"""Optimal schedules: closed forms against solvers that know nothing of them, and against a market of linear impact."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.worlds import SECOND, START_NS, tape_template, to_tape
from tests.studies.markets import made_market
from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE, SYNTHETIC
from twin_env.market.market import Market
from twin_env.studies.impact import AlmgrenChriss, ObizhaevaWang, to_children
from twin_env.twin.twin import Twin

jit = pytest.mark.jit

# Almgren and Chriss


def solve_almgren_chriss(model: AlmgrenChriss, lots: float, duration: float, steps: int) -> Any:
    """Minimise E + lambda V over the trades, from the price path itself: a quadratic programme with one constraint."""
    step = duration / steps
    # Trade k pays gamma for every lot before it, and eta / tau for each of its own.
    costs = np.tril(np.full((steps, steps), model.permanent), -1) + np.eye(steps) * model.temporary / step
    held = np.triu(np.ones((steps, steps)), 1)  # what is left after step j is what the later ones trade
    variance = model.volatility**2 * step * held.T @ held
    hessian = costs + costs.T + 2.0 * model.risk_aversion * variance
    kkt = np.block([[hessian, np.ones((steps, 1))], [np.ones((1, steps)), np.zeros((1, 1))]])
    trades = np.linalg.solve(kkt, np.append(np.zeros(steps), lots))[:steps]
    return lots - np.concatenate([[0.0], np.cumsum(trades)])


PAPER = AlmgrenChriss(volatility=0.95, temporary=2.5e-6, permanent=2.5e-7, risk_aversion=1e-6, fixed=0.0625)
"""Table 1 of Almgren and Chriss (2000): a million shares at 50 dollars within five days."""


def test_the_example_of_the_paper():
    holdings = PAPER.holdings(1e6, 5.0, 5)
    assert PAPER.kappa(1.0) == pytest.approx(0.607076, abs=5e-7)
    assert holdings / 1e6 == pytest.approx([1.0, 0.541956, 0.289854, 0.147897, 0.062142, 0.0], abs=5e-7)
    assert PAPER.cost(holdings, 5.0) == pytest.approx(911_226.99, abs=0.005)
    assert math.sqrt(PAPER.variance(holdings, 5.0)) == pytest.approx(603_430.67, abs=0.005)
    even = np.linspace(1e6, 0.0, 6)
    assert PAPER.cost(even, 5.0) == pytest.approx(662_500.0)
    assert math.sqrt(PAPER.variance(even, 5.0)) == pytest.approx(1_040_672.86, abs=0.005)


@given(st.floats(0.1, 3.0), st.floats(1e-7, 1e-5), st.floats(0.0, 0.9), st.floats(1e-9, 1e-4), st.integers(2, 60))
def test_trajectories_are_those_of_a_quadratic_programme(volatility, temporary, share, risk_aversion, steps):
    duration = 5.0
    permanent = share * 2.0 * temporary / (duration / steps)
    model = AlmgrenChriss(volatility, temporary, permanent, risk_aversion)
    holdings = model.holdings(1.0, duration, steps)
    assert holdings == pytest.approx(solve_almgren_chriss(model, 1.0, duration, steps), abs=1e-6)
    kappa, left = model.kappa(duration / steps), duration - np.linspace(0.0, duration, steps + 1)
    if kappa * duration < 500.0:  # beyond it the published form overflows
        assert holdings == pytest.approx(np.sinh(kappa * left) / np.sinh(kappa * duration), abs=1e-12)


def test_without_risk_aversion_the_trajectory_is_a_straight_line():
    assert AlmgrenChriss(0.95, 2.5e-6).holdings(100.0, 60.0, 4).tolist() == [100.0, 75.0, 50.0, 25.0, 0.0]


def test_a_hasty_trader_overflows_nothing():
    holdings = AlmgrenChriss(1.0, 1e-9, risk_aversion=10.0).holdings(100.0, 1000.0, 10)
    assert holdings[0] == 100.0 and 0.0 <= holdings[1] < 1e-6


def test_permanent_impact_beyond_the_temporary_is_refused():
    with pytest.raises(ValueError, match=r"temporary is 1e-06, expected more than permanent x step / 2 = 2e-06"):
        AlmgrenChriss(1.0, 1e-6, permanent=4e-6, risk_aversion=1.0).holdings(1.0, 5.0, 5)


# Obizhaeva and Wang


@pytest.mark.parametrize(
    ("faded", "ratio"), [(1, 0.906), (2, 0.881), (5, 0.891), (10, 0.926), (20, 0.957), (50, 0.981)]
)
def test_published_ratios_of_the_optimal_to_an_even_pace(faded, ratio):
    model = ObizhaevaWang(depth=1.0, resilience=float(faded))
    assert model.cost(1.0, 1.0) / model.twap_cost(1.0, 1.0) == pytest.approx(ratio, abs=5e-4)


def test_known_answers_of_a_book_that_refills():
    model = ObizhaevaWang(depth=1.0, resilience=2.0)
    assert (model.block(1.0, 1.0), model.cost(1.0, 1.0), model.immediate_cost(1.0)) == (0.25, 0.25, 0.5)
    assert model.twap_cost(1.0, 1.0) == pytest.approx(0.283834, abs=5e-7)


def kernel_of(model: ObizhaevaWang, duration: float, steps: int) -> Any:
    """Costs of trades at even times: what each pays for each before it, and half its own walk up the book."""
    times = np.linspace(0.0, duration, steps + 1)
    gaps = np.abs(times[:, None] - times)
    return 0.5 * (model.permanent + model.transient * np.exp(-model.resilience * gaps))


def even_pace(lots: float, steps: int) -> Any:
    """Return TWAP at the same times: each trade stands for half a step to either side."""
    trades = np.full(steps + 1, lots / steps)
    trades[[0, -1]] /= 2.0
    return trades


@given(st.floats(0.1, 30.0), st.floats(0.0, 0.9))
def test_no_schedule_beats_the_optimal_one_and_it_costs_what_it_says(resilience, share):
    model = ObizhaevaWang(depth=2.0, resilience=resilience, permanent=share / 2.0)
    costs = kernel_of(model, 1.0, 400)
    best = np.linalg.solve(costs, np.ones(401))  # first-order condition: every trade has the same marginal cost
    best *= 3.0 / best.sum()
    trades = model.trades(3.0, 1.0, 400)
    assert trades.sum() == pytest.approx(3.0)
    assert trades == pytest.approx(best, abs=3.0 * resilience / 400**2)
    assert trades @ costs @ trades == pytest.approx(model.cost(3.0, 1.0), rel=1e-3)
    even = even_pace(3.0, 400)
    assert even @ costs @ even == pytest.approx(model.twap_cost(3.0, 1.0), rel=1e-3)


def test_a_permanent_impact_of_all_the_depth_is_refused():
    with pytest.raises(ValueError, match=r"permanent is 0\.5, expected 0 to less than 1 / depth = 0\.5"):
        ObizhaevaWang(depth=2.0, resilience=1.0, permanent=0.5)


@given(st.integers(1, 5000), st.integers(1, 200), st.sampled_from([1, -1]))
def test_children_send_the_whole_schedule_on_time(lots, steps, side):
    trades = ObizhaevaWang(depth=1.0, resilience=0.1).trades(float(lots), 60.0, steps)
    children = to_children(trades, 60.0, side)
    assert children["lots"].sum() == lots and children["lots"].min() >= 1 and set(children["side"]) == {side}
    sent = np.zeros(steps + 1)
    sent[np.rint(children["offset_ns"] * steps / 60e9).astype(int)] = children["lots"]
    assert np.abs(np.cumsum(sent) - np.cumsum(trades)).max() <= 0.5 + 1e-6


# The product's market under linear impact

DURATION_S, STEPS, LEVELS = 100, 100, 52
SPACING_TICKS, LEVEL_LOTS, MID_TICKS = 10, 100, 100_000
MODEL = ObizhaevaWang(depth=LEVEL_LOTS / SPACING_TICKS, resilience=0.02, permanent=0.02)
LOTS, IMPACT_STEPS = 20_000, 10  # the last: per second


def linear_market() -> Market:
    """Return a book of 100 lots every 10 ticks that is laid anew every second, as far away as trades have moved it.

    It is a reactive history: the shift comes from the product's own price impact, whose exponent is one and whose
    power law is replaced by a part that stays and one that fades exponentially. No configuration can say that.
    """
    template = tape_template(SYNTHETIC, tape_orders=128, protection_ticks=5000)
    impact = template[0]["price_impact"]
    impact["step_ns"], impact["participants"] = SECOND // IMPACT_STEPS, 2
    impact["exponent"], impact["pace_decay"], impact["pace_gain"] = 1.0, 0.0, 1.0
    keep = math.exp(-MODEL.resilience / IMPACT_STEPS)
    impact["decay"][:2], impact["weight"][:2] = (keep, 1.0), (MODEL.transient * keep, MODEL.permanent)
    return made_market(template, SYNTHETIC, to_tape(np.concatenate([lay(second) for second in range(DURATION_S + 1)])))


def lay(second: int) -> Any:
    """Return the messages that cancel what is left of a book and lay a new one."""
    place = np.repeat(np.arange(LEVELS), 2)
    rows = np.zeros(2 * LEVELS, MESSAGE)
    rows["ts_ns"], rows["kind"], rows["lots"] = START_NS + second * SECOND, codes.NEW, LEVEL_LOTS
    rows["side"] = np.tile([1, -1], LEVELS)
    rows["price"] = MID_TICKS - rows["side"] * (SPACING_TICKS // 2 + SPACING_TICKS * place)
    rows["order"], rows["row"] = np.arange(len(rows)), NONE
    if second == 0:
        return rows
    cancels = rows.copy()
    cancels["kind"] = codes.CANCEL
    return np.concatenate([cancels, rows])


def ledger_cost(trades: Any, side: int) -> float:
    """Send trades from the desk of a twin and return the shortfall that its ledger knows, ticks x lots.

    The touch is half a level from the mid, so that n whole levels cost on average what a walk up a continuous book
    from the mid costs.
    """
    with Twin(linear_market(), seed=1, planes=0) as twin:
        assert twin.exchange.mid_half_ticks == 2 * MID_TICKS
        for child in to_children(trades, float(DURATION_S), side):
            twin.advance_until(START_NS + int(child["offset_ns"]))
            twin.desk.submit("buy" if side == 1 else "sell", int(child["lots"]), type="market")
        twin.advance(0.05)
        assert twin.desk.position_lots == side * LOTS
        moved_ticks = twin.exchange.mid_half_ticks / 2.0 - MID_TICKS
        return side * LOTS * moved_ticks - twin.alpha()["net"]


@jit
@pytest.mark.parametrize("side", [1, -1])
def test_schedules_cost_in_the_market_what_the_closed_forms_say(side):
    even = ledger_cost(even_pace(LOTS, STEPS), side) / LOTS
    best = ledger_cost(MODEL.trades(LOTS, DURATION_S, STEPS), side) / LOTS
    # Shifts are whole ticks towards zero, half a tick less on average; there are 100 steps.
    expected = [MODEL.twap_cost(LOTS, DURATION_S) / LOTS, MODEL.cost(LOTS, DURATION_S) / LOTS]
    assert [even, best] == pytest.approx(expected, rel=1e-3)
    assert even - best == pytest.approx(expected[0] - expected[1], rel=1.5e-2)

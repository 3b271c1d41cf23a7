"""How long the page of a large evaluation takes, and how large it is: 1,000 episodes of 6 policies with everything."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.timing import measure
from twin_env.alpha.parts import PARTS, SPLIT_NAMES
from twin_env.report.evaluation_page.page import render_page
from twin_env.statistics import Interval

EPISODES = 1000
POLICIES = 6
TRIPS = 3
EXPLORED = 3
MOMENTS = 600
LEVELS = 8
_BEGIN_NS = 1_748_874_600_000_000_000
_EPISODE_NS = 1_800_000_000_000
_MIB = 2**20
_HORIZONS_S = [0.1, 1.0, 10.0, 60.0]
_COUNTERPARTIES = ("all", "informed", "noise", "metaorder", "liquidity", "fault")
_RUNGS = ("perfect fills", "spread", "latency", "queue", "impact", "fees", "chaos")
_FAMILIES = ("feed", "price", "liquidity", "halt")


def figures() -> Iterator[tuple[str, float]]:
    """Take the measurements."""
    document = make_document()
    yield "report.seconds", measure(lambda: render_page(document), runs=3).median_s
    yield "report.mib", len(render_page(document).encode()) / _MIB


def make_document(
    policies: int = POLICIES, episodes: int = EPISODES, seed: int = 1, trades: bool = True
) -> dict[str, Any]:
    """Return a document with everything that a report shows, drawn at random.

    Args:
        policies: How many.
        episodes: Of each.
        seed: Of NumPy's generator.
        trades: Whether they are traders; else they work parent orders.
    """
    rng = np.random.default_rng(seed)
    names = [f"policy_{number}" for number in range(policies)]
    seeds = list(range(100, 100 + episodes))
    made = [_policy(rng, name, seeds, trades) for name in names]
    return {
        "schema": 2,
        "currency": "USD",
        "confidence": 0.95,
        "seeds": seeds,
        "sums_exact": True,
        "objective": _OBJECTIVES[trades],
        "policies": made,
        "baseline": names[0],
        "env": "TwinTrading-v0" if trades else "TwinExecution-v0",
        "env_config": {
            "market": {"instrument": {"symbol": "MGC", "tick_size": 0.1, "day": {"zone": "America/New_York"}}}
        },
        "reproduce": ["--chaos", "default"],
        "evaluation_s": 12.5,
        "provenance": {"command": ["twin", "evaluate"], "python": "3.11", "packages": {"numpy": "2.0"}},
        "experiments": [{"seed": each, "families": [_FAMILIES[each % len(_FAMILIES)]]} for each in seeds],
        "ladder": _ladder(rng, names[0]),
        "capacity": _capacity(rng, names[0]),
        "counterfactual": {"policy": names[0], "unit": "ccy"} | {key: _interval(rng, 3.0, 9.0) for key in _SELF_IMPACT},
        "basis": {"quantity": "ordered lots (Perold 1988)", "desired_price": "mid at the decision"},
        "explorer": {
            "episodes": [_explored(rng, name, seeds[k]) for name in names for k in range(min(EXPLORED, episodes))]
        },
    }


_SELF_IMPACT = ("strategy_alone_ccy", "strategy_moved_ccy", "timing_drift_ccy", "timing_self_ccy")
_OBJECTIVES = {
    True: {"name": "net", "title": "net result", "unit": "ccy", "lower_is_better": False},
    False: {"name": "without_drift", "title": "shortfall without drift", "unit": "bps", "lower_is_better": True},
}


def _policy(rng: Any, name: str, seeds: list[int], trades: bool) -> dict[str, Any]:
    count = len(seeds)
    parts = {part: rng.normal(-1.0, 4.0, count) for part in PARTS}
    execution, strategy = sum(parts.values()), rng.normal(5.0, 60.0, count)
    split = {"net": strategy + execution, "strategy": strategy, "execution": execution, **parts}
    shortfall, drift = -execution / 43.0, rng.normal(0.0, 3.0, count)
    policy = {
        "policy": name,
        "source": "",
        "timesteps": 0,
        "episodes": count,
        "alpha_ccy": {key: float(split[key].mean()) for key in SPLIT_NAMES},
        "is_bps": Interval.student(shortfall).to_json(),
        "without_drift_bps": Interval.student(shortfall - drift).to_json(),
        "filled_share": float(rng.uniform(0.9, 1.0)),
        "vwap_bps": None if trades else {name: _interval(rng, 0.2, 0.5) for name in ("market", "others")},
        "fills_per_episode": float(rng.uniform(1.0, 30.0)),
        "steps_per_episode": 60.0,
        "mean_reward": 0.0,
        "per_episode": {
            "is_bps": shortfall.tolist(),
            "drift_bps": drift.tolist(),
            "net_ccy": split["net"].tolist(),
            "strategy_ccy": strategy.tolist(),
            "execution_ccy": execution.tolist(),
            "filled_lots": [20.0] * count,
            "event_log_hash": [f"{each:016x}" for each in rng.integers(0, 2**62, count).tolist()],
        },
        "event_logs_sha256": "0" * 64,
        "markouts": _markouts(rng),
        "journey": _journey(rng),
    }
    return policy | (_trading(rng, seeds) if trades else {})


def _interval(rng: Any, centre: float, width: float) -> dict[str, Any]:
    return Interval.student(rng.normal(centre, width, 30)).to_json()


def _trading(rng: Any, seeds: list[int]) -> dict[str, Any]:
    trips = [_trip(rng, seed, number) for seed in seeds for number in range(TRIPS)]
    nets = np.array([trip["net_ccy"] for trip in trips])
    summary = {
        "count": len(trips),
        "missed": int(rng.integers(0, 9)),
        "win_rate": float((nets > 0).mean()),
        "profit_factor": float(nets[nets > 0].sum() / max(-nets[nets < 0].sum(), 1e-9)),
        "expectancy_r": float(np.mean([trip["r"] for trip in trips])),
        "expectancy_ccy": float(nets.mean()),
        "mean_net_ccy": Interval.student(nets).to_json(),
        "max_drawdown_ccy": float((np.maximum.accumulate(nets.cumsum()) - nets.cumsum()).max()),
    }
    days = [
        {"day": f"2025-06-{day:02d}", "net_ccy": -1.5, "strategy_ccy": 2.0, "execution_ccy": -3.5, "trips": 4}
        for day in range(2, 6)
    ]
    return {"trips": {"summary": summary, "list": trips}, "days": days}


def _trip(rng: Any, seed: int, number: int) -> dict[str, Any]:
    begin_ns = _BEGIN_NS + number * _EPISODE_NS + int(rng.integers(0, _EPISODE_NS // 2))
    net, entry = float(rng.normal(0.0, 40.0)), 4300.0 + float(rng.integers(-50, 50)) / 10.0
    return {
        "seed": seed,
        "side": str(rng.choice(["buy", "sell"])),
        "lots": int(rng.integers(1, 5)),
        "begin_ns": begin_ns,
        "end_ns": begin_ns + int(rng.integers(10**9, _EPISODE_NS // 2)),
        "entry_price": entry,
        "exit_price": entry + round(net / 10.0, 1),
        "entry_reason": "signal",
        "exit_reason": str(rng.choice(["target", "stop", "signal", "close"])),
        "net_ccy": net,
        "strategy_ccy": net + 4.0,
        "execution_ccy": -4.0,
        "fees_ccy": -1.7,
        "mae_ccy": -abs(net) - 5.0,
        "mfe_ccy": abs(net) + 5.0,
        "r": net / 30.0,
    }


def _markouts(rng: Any) -> dict[str, Any]:
    groups = [
        {
            "counterparty": counterparty,
            "liquidity": liquidity,
            "lots": int(rng.integers(10, 900)),
            "fills": int(rng.integers(5, 300)),
            "spread_earned_ccy": _interval(rng, 0.5 if liquidity == "maker" else -0.5, 0.2),
            "markout_ccy": [_interval(rng, -0.1 * math.log10(h * 100), 0.4) for h in _HORIZONS_S],
            "drift_ccy": [_interval(rng, -0.1, 0.4) for _ in _HORIZONS_S],
            "toxic_share": rng.uniform(0.2, 0.6, len(_HORIZONS_S)).tolist(),
        }
        for counterparty in _COUNTERPARTIES
        for liquidity in ("maker", "taker")
    ]
    return {"horizons_s": _HORIZONS_S, "groups": groups}


def _journey(rng: Any) -> dict[str, Any]:
    def quantiles(scale: float) -> dict[str, float]:
        low, median, high, tail = sorted(rng.uniform(0.0, scale, 4).tolist())
        return {"n": 400, "p10": low, "p50": median, "p90": high, "p99": tail}

    stages = {"to_exchange_ms": 90.0, "acknowledged_ms": 180.0, "first_fill_s": 20.0, "lots_ahead": 30.0}
    counts = {"orders": 400, "sent": 900, "filled": 350, "maker_share": 0.7, "cancels": 300, "cancel_races_lost": 12}
    return counts | {"quantiles": {name: quantiles(scale) for name, scale in stages.items()}}


def _ladder(rng: Any, policy: str) -> dict[str, Any]:
    rungs = [
        {"name": name, "value": _interval(rng, -5.0 * number, 9.0), "change": _interval(rng, -5.0, 4.0)}
        for number, name in enumerate(_RUNGS)
    ]
    friction = {"assumed_ccy": 8.4, "measured_ccy": _interval(rng, 6.5, 1.0)}
    return {"policy": policy, "unit": "ccy", "rungs": rungs, "friction": friction}


def _capacity(rng: Any, policy: str) -> dict[str, Any]:
    points = [{"size": size, "lots": 20 * size, "cost": _interval(rng, 0.5 * size**0.5, 0.2)} for size in (1, 2, 4, 8)]
    return {"policy": policy, "unit": "bps", "points": points}


def _explored(rng: Any, policy: str, seed: int) -> dict[str, Any]:
    mids = 43_000 + rng.integers(-1, 2, MOMENTS).cumsum()
    lots = rng.integers(1, 40, (MOMENTS, 2, LEVELS))
    offsets = np.arange(LEVELS)
    sides = [
        [np.column_stack([mid + sign * (offsets + at), lots[k, row]]).ravel().tolist() for k, mid in enumerate(mids)]
        for row, (sign, at) in enumerate(((-1, 0), (1, 1)))
    ]
    times = [0.5 * number for number in range(MOMENTS)]
    filled = np.minimum(np.arange(MOMENTS) // 30, 20)
    fills = [
        {"t_s": times[k], "order": k, "side": 1, "price": int(mids[k]), "lots": 1, "rested": bool(k % 2)}
        | {"bid": int(mids[k]), "ask": int(mids[k]) + 1, "desk_bid": int(mids[k - 1]), "desk_ask": int(mids[k - 1]) + 1}
        for k in range(30, MOMENTS, 30)
    ]
    orders = [
        {"begin_s": fill["t_s"] - 8.0, "end_s": fill["t_s"], "order": fill["order"], "side": 1, "lots": 1}
        | {"price": fill["price"], "waits": False}
        for fill in fills
    ]
    return {
        "policy": policy,
        "seed": seed,
        "is_same": True,
        "begin_ns": _BEGIN_NS,
        "lots": int(filled[-1]),
        "t_s": times,
        "bids": sides[0],
        "asks": sides[1],
        "desk_bid": np.roll(mids, 1).tolist(),
        "desk_ask": (np.roll(mids, 1) + 1).tolist(),
        "volume_lots": rng.integers(0, 9, MOMENTS).cumsum().tolist(),
        "filled_lots": filled.tolist(),
        "position_lots": filled.tolist(),
        "working": [1] * MOMENTS,
        "orders": orders,
        "fills": fills,
        "faults": [{"name": "feed_loss", "family": "feed", "begin_s": 50.0, "end_s": 70.0}],
        "left_out": 0,
    }

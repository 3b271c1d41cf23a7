"""What a market is like when nothing happens: measured on it, once."""

from typing import Final

import numpy as np

from twin_env.chaos.compile import Stage
from twin_env.chaos.faults.base import Baseline, Scene
from twin_env.chaos.journal.trace import STEP_NS, Trace
from twin_env.chaos.quantity import Scale
from twin_env.core.flow.flow import ANCHORED_FLOW
from twin_env.core.state.world import create_worlds
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.twin.samples import sample_until

_MEASURED_S: Final = 300
_SEEDS: Final = (1, 2)
KEPT_STAGES: Final = 16
"""Markets whose measurement is kept."""
_SIGMA_S: Final = 10
_MICRO: Final = 1e-6


def measure(trace: Trace) -> Baseline:
    """Return what a run was like, its open moments."""
    open_ = (trace["closed"] == 0) & (trace["one_sided"] == 0)
    span_s = max(1e-9, (len(trace) - 1) * trace.step_ns / NS_PER_S)
    every = max(1, _SIGMA_S * NS_PER_S // trace.step_ns)
    moves = trace.mid_ticks[every:] - trace.mid_ticks[:-every]

    def rate(name: str) -> float:
        return float(trace[name][-1] - trace[name][0]) / span_s

    return Baseline(
        spread_ticks=float(np.median(trace.spread_ticks[open_])) if open_.any() else 1.0,
        depth_lots=float(np.median(trace.depth_lots[open_])) if open_.any() else 1.0,
        sigma_ticks=max(0.5, float(moves.std())) if len(moves) > 1 else 1.0,
        messages_per_s=rate("messages"),
        trades_per_s=rate("trades"),
        volume_per_s=rate("volume"),
    )


def scene_of(market: Market, baseline: Baseline, price_ticks: float) -> Scene:
    """Return a market as the scene of an experiment."""
    instrument = market.instrument
    scale = Scale(
        tick_size=instrument.tick_size,
        tick_value_ccy=2.0 * instrument.half_tick_micro * _MICRO,
        price=price_ticks * instrument.tick_size,
        sigma_ticks=baseline.sigma_ticks,
        spread_ticks=baseline.spread_ticks,
    )
    synthetic = int(market.template[0].flow_kind) == ANCHORED_FLOW
    return Scene(scale, baseline, synthetic, instrument.protection_ticks)


def stage_of(market: Market) -> Stage:
    """Return the stage of a market as it usually is at the start of an episode.

    It is measured once and kept for the markets asked for last; equal markets share one measurement. Kept are a few
    numbers by the digest of the market, never the market with its worlds and its tape.
    """
    key = market.digest
    stage = _STAGES.pop(key, None) or _measure_stage(market)
    _STAGES[key] = stage  # at the end: the latest
    while len(_STAGES) > KEPT_STAGES:
        _STAGES.pop(next(iter(_STAGES)), None)
    return stage


_STAGES: Final[dict[bytes, Stage]] = {}


def _measure_stage(market: Market) -> Stage:
    span_ns = _MEASURED_S * NS_PER_S
    if market.last_ns is not None:
        span_ns = max(NS_PER_S, min(span_ns, (market.last_ns - market.first_ns) // 2))
    runs = [_sample(market, seed, span_ns) for seed in _SEEDS]
    each = [measure(run) for run in runs]
    baseline = Baseline(
        *(float(np.mean([getattr(one, name) for one in each])) for name in Baseline.__dataclass_fields__)
    )
    price_ticks = float(runs[0].mid_ticks[0])
    return Stage(market.instrument, scene_of(market, baseline, price_ticks), market.first_ns)


def _sample(market: Market, seed: int, span_ns: int) -> Trace:
    """Play a market with a desk that only listens."""
    worlds = create_worlds(market.config.capacities)
    market.start(worlds, 0, seed=seed, start_ns=market.first_ns)
    trace = Trace.at(market.first_ns, market.first_ns + span_ns, STEP_NS)
    sample_until(worlds, 0, market.tape, trace.samples, trace.prices, trace.lots, 0, len(trace))
    return trace

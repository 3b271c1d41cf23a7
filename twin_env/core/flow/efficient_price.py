"""The efficient price: a random walk with stochastic volatility and jumps, on streams of its own.

Log volatility is a sum of Ornstein-Uhlenbeck processes on time scales a factor apart, which
looks rough over them (Gatheral, Jaisson, Rosenbaum 2018); time of day multiplies it. Draws
are counted by time steps, so the path is the same whatever happens in the book.
"""

import math
from typing import Any, Final

from twin_env.core.faults.modifiers import PRICE_NOISE, VOLATILITY
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import HALF_HOURS, VOLATILITY_SCALES
from twin_env.core.state.rng import normal, uniform

_DAY_NS: Final = 86_400_000_000_000
_HALF_HOUR_NS: Final = 1_800_000_000_000


@kernel
def half_hour(price: Any, now_ns: int) -> int:
    """Return which half hour of the local day it is, 0 to 47."""
    return i64((now_ns + price.utc_offset_ns) % _DAY_NS // _HALF_HOUR_NS)


@kernel
def start_efficient_price(price: Any, now_ns: int) -> None:
    """Draw the first volatility from its stationary distribution."""
    price.steps = 1  # the first step is one step from now: updates of volatility fall on whole seconds from now
    for scale in range(VOLATILITY_SCALES):
        price.log_volatility[scale] = price.log_sd[scale] * normal(price.volatility_key, scale)
    refresh_volatility(price, now_ns)


@kernel
def refresh_volatility(price: Any, now_ns: int) -> float:
    """Compute the present volatility and return the pace of the market, from volatility and time of day."""
    total = 0.0
    variance = 0.0
    for scale in range(VOLATILITY_SCALES):
        total += price.log_volatility[scale]
        variance += price.log_sd[scale] * price.log_sd[scale]
    place = half_hour(price, now_ns) % HALF_HOURS
    price.present_sd = price.step_sd * math.exp(total - variance) * price.volatility_curve[place]
    price.jump_scale = price.jump_sd * price.present_sd * math.sqrt(price.steps_per_update)
    activity = math.exp(price.activity_gain * (total - 0.5 * price.activity_gain * variance))
    return float(price.activity_curve[place] * activity)


@kernel
def update_volatility(price: Any, now_ns: int) -> float:
    """Advance volatility by one update (a second) and return the pace of the market."""
    draws = (price.steps // price.steps_per_update + 1) * VOLATILITY_SCALES
    for scale in range(VOLATILITY_SCALES):
        innovation = price.log_innovation_sd[scale] * normal(price.volatility_key, draws + scale)
        price.log_volatility[scale] = price.log_volatility[scale] * price.log_decay[scale] + innovation
    return refresh_volatility(price, now_ns)


@kernel
def step_efficient_price(price: Any, modifiers: Any) -> float:
    """Advance the efficient price by one step, unless it follows a history; return the observed move in ticks."""
    step = price.steps
    price.steps += 1
    if price.follows_history == 0:
        price.efficient_ticks += modifiers[VOLATILITY] * price.present_sd * normal(price.key, step)
        if uniform(price.jump_key, 2 * step) < price.jump_chance:
            draw = 2.0 * uniform(price.jump_key, 2 * step + 1) - 1.0
            size = -math.log(1.0 - abs(draw)) * price.jump_scale * modifiers[VOLATILITY]  # of a Laplace law
            price.efficient_ticks += size if draw >= 0.0 else -size
    if price.noise_innovation_sd > 0.0 or modifiers[PRICE_NOISE] > 0.0 or price.noise_ticks != 0.0:
        innovation = price.noise_innovation_sd
        if modifiers[PRICE_NOISE] > 0.0:
            innovation = math.hypot(
                innovation,
                modifiers[PRICE_NOISE] * math.sqrt(1.0 - price.noise_decay * price.noise_decay),
            )
        innovation *= normal(price.noise_key, step)
        price.noise_ticks = price.noise_ticks * price.noise_decay + innovation
    observed_ticks = price.efficient_ticks + price.noise_ticks
    move_ticks = float(observed_ticks - price.observed_ticks)
    price.observed_ticks = observed_ticks
    return move_ticks

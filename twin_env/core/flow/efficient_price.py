"""The efficient price: a random walk with stochastic volatility and jumps, on streams of its own.

Log volatility is a sum of Ornstein-Uhlenbeck processes on time scales a factor apart, which
looks rough over them (Gatheral, Jaisson, Rosenbaum 2018); time of day multiplies it. Draws
are counted by beats, so the path is the same whatever happens in the book.
"""

import math
from typing import Any, Final

from twin_env.core.faults.modifiers import FLUTTER, VOLATILITY
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import HALF_HOURS, VOLATILITY_SCALES
from twin_env.core.state.rng import normal, uniform

_DAY_NS: Final = 86_400_000_000_000
_HALF_HOUR_NS: Final = 1_800_000_000_000


@kernel
def half_hour(news: Any, now_ns: int) -> int:
    """Return which half hour of the local day it is, 0 to 47."""
    return i64((now_ns + news.utc_offset_ns) % _DAY_NS // _HALF_HOUR_NS)


@kernel
def start_news(news: Any, now_ns: int) -> None:
    """Draw the first volatility from its stationary law."""
    news.beats = 1  # of the first beat, one step from now: turns fall on whole seconds from now
    for scale in range(VOLATILITY_SCALES):
        news.log_volatility[scale] = news.log_sd[scale] * normal(news.volatility_key, scale)
    look_around(news, now_ns)


@kernel
def look_around(news: Any, now_ns: int) -> float:
    """Make the present volatility anew and return the pace of the market, from volatility and time of day."""
    total = 0.0
    variance = 0.0
    for scale in range(VOLATILITY_SCALES):
        total += news.log_volatility[scale]
        variance += news.log_sd[scale] * news.log_sd[scale]
    place = half_hour(news, now_ns) % HALF_HOURS
    news.present_sd = news.step_sd * math.exp(total - variance) * news.volatility_curve[place]
    news.jump_scale = news.jump_sd * news.present_sd * math.sqrt(news.beats_per_turn)
    activity = math.exp(news.activity_gain * (total - 0.5 * news.activity_gain * variance))
    return float(news.activity_curve[place] * activity)


@kernel
def turn(news: Any, now_ns: int) -> float:
    """Let volatility go one turn on and return the pace of the market."""
    draws = (news.beats // news.beats_per_turn + 1) * VOLATILITY_SCALES
    for scale in range(VOLATILITY_SCALES):
        kick = news.log_kick[scale] * normal(news.volatility_key, draws + scale)
        news.log_volatility[scale] = news.log_volatility[scale] * news.log_keep[scale] + kick
    return look_around(news, now_ns)


@kernel
def move(news: Any, modifiers: Any) -> float:
    """Let the efficient price go one beat on, unless a history tells it; return the move, in ticks, that is felt."""
    beat = news.beats
    news.beats += 1
    if news.told == 0:
        news.efficient_ticks += modifiers[VOLATILITY] * news.present_sd * normal(news.key, beat)
        if uniform(news.jump_key, 2 * beat) < news.jump_chance:
            draw = 2.0 * uniform(news.jump_key, 2 * beat + 1) - 1.0
            size = -math.log(1.0 - abs(draw)) * news.jump_scale * modifiers[VOLATILITY]  # of a Laplace law
            news.efficient_ticks += size if draw >= 0.0 else -size
    if news.flutter_kick > 0.0 or modifiers[FLUTTER] > 0.0 or news.flutter_ticks != 0.0:
        kick = news.flutter_kick
        if modifiers[FLUTTER] > 0.0:
            kick = math.hypot(kick, modifiers[FLUTTER] * math.sqrt(1.0 - news.flutter_keep * news.flutter_keep))
        kick *= normal(news.flutter_key, beat)
        news.flutter_ticks = news.flutter_ticks * news.flutter_keep + kick
    felt = news.efficient_ticks + news.flutter_ticks
    step = float(felt - news.felt_ticks)
    news.felt_ticks = felt
    return step

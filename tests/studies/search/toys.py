"""Scores whose worst case is known: an experiment and seeds go in, damages come out."""

import numpy as np

from twin_env.chaos.faults import KINDS
from twin_env.chaos.sampling.fault_templates import FaultTemplate, score_of
from twin_env.chaos.sampling.prior import Choice
from twin_env.studies.search.space import Space
from twin_env.studies.search.study import Naming

HORIZON_S = 300.0
NAMING = Naming("bps", "found", lambda file, seed: f"again {file} {seed}")
FIVE = ("feed_delay", "order_delay", "flash_crash", "liquidity_drought", "reject_storm")
PAIR = ("feed_delay", "order_delay")
PEAK = 1.5
FEED, ORDERS, LENGTH = "feed_delay.delay_ms", "order_delay.delay_ms", "order_delay.duration_s"


def make_space(kinds=FIVE, **changes):
    return Space([FaultTemplate.plain(kind) for kind in kinds], HORIZON_S, **changes)


def scores_of(experiment):
    return {
        f"{fault.kind}.{axis}": score_of(prior, getattr(fault, axis))
        for fault in experiment.method
        for axis, prior in KINDS[fault.kind].priors.items()
        if not isinstance(prior, Choice)
    }


def narrow(experiment, centre=(1.5, 1.2, 1.0)):
    """A failure of two faults together, narrow, among four faults that do a little each: at most 1.9 within three."""
    z = scores_of(experiment)
    little = ("flash_crash.move", "reject_storm.probability", FEED, ORDERS)
    damage = sum(0.15 * np.tanh(z[name]) for name in little if name in z)
    if FEED in z and ORDERS in z:
        far = sum((z[name] - at) ** 2 for name, at in zip((FEED, ORDERS, LENGTH), centre, strict=True))
        damage += PEAK * np.exp(-far / (2 * 0.6**2))
    return float(damage)


def plane(distance):
    """Damage above zero beyond a plane at a distance from the median: its reliability index is that distance."""

    def damage(experiment):
        z = scores_of(experiment)
        if FEED not in z or ORDERS not in z:
            return -1.0
        return 0.6 * z[FEED] + 0.8 * z[ORDERS] - distance

    return damage


def noisy(damage, sd=0.05):
    """A score with noise of its own for every experiment and seed, the same whenever it is asked."""

    def score(experiment, seeds):
        true, number = damage(experiment), int(experiment.hash[:8], 16)
        return np.array([true + sd * np.random.default_rng([seed, number]).standard_normal() for seed in seeds])

    return score

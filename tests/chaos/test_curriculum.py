"""Curricula on toy learners whose best curriculum is known."""

import json
import math

import numpy as np
import pytest

from twin_env.chaos.sampling.curriculum import AutomaticRandomisation, RandomisationConfig, Uniform
from twin_env.chaos.sampling.prioritised_replay import Level, PrioritisedReplay, ReplayConfig
from twin_env.chaos.sampling.randomisation import load_sampler_config
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import ConfigError, load_config

HORIZON_S = 300.0
DELAY = "feed_delay.delay_ms"
TERMS = [{"kind": "feed_delay", "fields": {"duration_s": 20.0}}, {"kind": "spread_widening"}]


def make_sampler(terms=TERMS, **changes):
    return Sampler(load_sampler_config({"calm_share": 0.0, "keep_family": 1.0, "terms": terms, **changes}))


def draws(curriculum, count, seed=0):
    rng = np.random.default_rng(seed)
    return [curriculum.next(rng) for _ in range(count)]


def train(curriculum, chance, steps, seed=0):
    """Let a learner whose chance of success never changes meet a curriculum."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        drawn = curriculum.next(rng)
        curriculum.report(drawn, float(rng.random() < chance(drawn)))
    return curriculum


@pytest.mark.parametrize("make", [Uniform, AutomaticRandomisation, PrioritisedReplay])
def test_the_same_generator_gives_the_same_curriculum(make):
    first, second = (draws(make(make_sampler(), HORIZON_S), 30, seed=4) for _ in range(2))
    assert first == second and len({drawn.experiment.hash for drawn in first}) > 25


@pytest.mark.parametrize("make", [AutomaticRandomisation, PrioritisedReplay])
def test_training_resumes_where_it_stopped(make):
    def chance(drawn):
        return math.exp(-abs(drawn.scores.get(DELAY, 0.0)))

    first = train(make(make_sampler(), HORIZON_S), chance, 800)
    second = make(make_sampler(), HORIZON_S)
    second.load(json.loads(json.dumps(first.state())))
    assert draws(first, 50, seed=9) == draws(second, 50, seed=9)
    train(first, chance, 300, seed=5)
    train(second, chance, 300, seed=5)
    assert first.state() == second.state()


def test_outcomes_are_shares():
    for outcome in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            Uniform(make_sampler(), HORIZON_S).report(make_sampler().draw(0, HORIZON_S), outcome)


@pytest.mark.parametrize("limit", [0.8, pytest.param(1.6, marks=pytest.mark.slow)])
def test_ranges_widen_to_where_the_learner_fails(limit):
    def chance(drawn):  # half at the limit, which is between the two thresholds
        return 1.0 / (1.0 + math.exp(8.0 * (abs(drawn.scores.get(DELAY, 0.0)) - limit)))

    learnt = train(AutomaticRandomisation(make_sampler(), HORIZON_S), chance, 20_000)
    low, high = learnt.bounds[DELAY]
    assert -low == pytest.approx(limit, abs=0.25) and high == pytest.approx(limit, abs=0.25)
    # What does not matter is opened all the way.
    assert learnt.bounds["spread_widening.duration_s"][1] > 2.0


def test_ranges_narrow_again_when_the_learner_gets_worse():
    config = RandomisationConfig(start=2.0)
    learnt = train(AutomaticRandomisation(make_sampler(), HORIZON_S, config), lambda drawn: 0.0, 10_000)
    assert learnt.bounds[DELAY] == (0.0, 0.0) and learnt.entropy == -math.inf and learnt.covered < 0.2


@pytest.mark.slow
def test_entropy_and_coverage_grow_with_what_can_be_done():
    start = AutomaticRandomisation(make_sampler(), HORIZON_S)
    learnt = train(AutomaticRandomisation(make_sampler(), HORIZON_S), lambda drawn: 1.0, 20_000)
    assert start.entropy == pytest.approx(math.log(0.2)) and learnt.entropy == pytest.approx(math.log(6.0), abs=0.1)
    assert start.covered < 0.1 and learnt.covered > 0.95


def test_two_fifths_of_the_episodes_are_at_a_bound():
    adr = AutomaticRandomisation(make_sampler(), HORIZON_S)
    met = draws(adr, 3000)
    assert np.mean([bool(drawn.pinned) for drawn in met]) == pytest.approx(0.4, abs=0.03)
    for drawn in met:
        if drawn.pinned == f"{DELAY}:high":
            assert drawn.scores[DELAY] == adr.bounds[DELAY][1]
        assert all(abs(score) <= 0.1 for name, score in drawn.scores.items() if name in adr.bounds)


def test_a_number_of_one_fault_is_not_mistaken_for_another_faults():
    terms = [{"kind": "feed_delay"}, {"kind": "order_delay"}]
    for drawn in draws(AutomaticRandomisation(make_sampler(terms), HORIZON_S), 300):
        assert not drawn.pinned or drawn.pinned.split(".")[0] in drawn.kinds


def test_a_state_of_other_faults_is_refused():
    state = AutomaticRandomisation(make_sampler(), HORIZON_S).state()
    with pytest.raises(ValueError, match="other numbers"):
        AutomaticRandomisation(make_sampler([{"kind": "feed_loss"}]), HORIZON_S).load(state)


def chance_by_delay(drawn):
    return 1.0 / (1.0 + math.exp(3.0 * drawn.scores[DELAY]))


@pytest.mark.slow
def test_replay_concentrates_where_success_is_even():
    sampler = make_sampler(TERMS[:1])
    config = ReplayConfig(capacity=300, least=50, staleness_weight=0.1, memory=1.0)
    learnt = train(PrioritisedReplay(sampler, HORIZON_S, config), chance_by_delay, 8000)
    rng = np.random.default_rng(1)
    replayed = [drawn for drawn in (learnt.next(rng) for _ in range(2000)) if drawn.seed in learnt.levels]
    chances = np.array([chance_by_delay(drawn) for drawn in replayed])
    fresh = np.array([chance_by_delay(drawn) for drawn in draws(Uniform(sampler, HORIZON_S), 2000)])
    assert len(replayed) == pytest.approx(1000, abs=80)
    assert np.mean(chances * (1 - chances)) > 1.35 * np.mean(fresh * (1 - fresh))
    assert np.mean(abs(chances - 0.5) < 0.3) > 0.8


def test_what_cannot_be_won_is_not_replayed():
    terms = [{"kind": "feed_delay"}, {"kind": "flash_crash"}]
    sampler = make_sampler(terms, count={"most": 1})
    config = ReplayConfig(capacity=200, least=20, staleness_weight=0.0)

    def chance(drawn):
        return 0.0 if drawn.kinds == ("flash_crash",) else 0.5

    learnt = train(PrioritisedReplay(sampler, HORIZON_S, config), chance, 6000)
    rng = np.random.default_rng(2)
    replayed = [drawn for drawn in (learnt.next(rng) for _ in range(1000)) if drawn.seed in learnt.levels]
    assert np.mean([drawn.kinds == ("flash_crash",) for drawn in replayed]) < 0.1


def test_a_full_buffer_stays_full_and_stale_levels_come_back():
    config = ReplayConfig(capacity=20, least=5, staleness_weight=1.0, replay_share=1.0)
    replay = train(PrioritisedReplay(make_sampler(), HORIZON_S, config), lambda drawn: 0.5, 500)
    assert len(replay.levels) <= 20
    assert min(level.last for level in replay.levels.values()) > 500 - 60


def test_learnability_is_greatest_at_even_odds_and_never_sure_of_one_outcome():
    assert Level(0, 50, 50).learnability == pytest.approx(0.25, abs=0.005)
    assert Level(0, 0, 100).learnability < 0.01 and Level(0, 100, 0).learnability < 0.01
    assert Level(0, 0, 1).learnability == Level(0, 1, 0).learnability == pytest.approx(1 / 6)


def test_settings_out_of_order_are_refused_in_one_sentence():
    with pytest.raises(ConfigError, match=r"start is 4, expected at most 3, as most is\.$"):
        load_config(RandomisationConfig, {"start": 4, "most": 3})

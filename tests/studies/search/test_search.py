"""The search on scores whose worst case is known."""

import math
import re
import sys

import numpy as np
import pytest

from tests.studies.search.toys import FEED, FIVE, NAMING, ORDERS, PAIR, make_space, narrow, noisy, plane, scores_of
from twin_env.chaos.experiment import load_experiment
from twin_env.config import ConfigError
from twin_env.studies.search.evaluator import Candidate, Evaluator, best
from twin_env.studies.search.explore import explore, leaders
from twin_env.studies.search.halving import Arm, worst
from twin_env.studies.search.minimise import minimise
from twin_env.studies.search.optimisers import CmaOptimiser, method_name
from twin_env.studies.search.random_search import random_search
from twin_env.studies.search.resilience import resilience
from twin_env.studies.search.space import Point, into_ball
from twin_env.studies.search.study import Settings, run_study


def true_worst(found, space, damage):
    """What the best five are chosen for in fresh episodes, without noise."""
    score = noisy(damage)
    top = [space.experiment(one.point) for one in best(found.candidates, 5)]
    return damage(max(top, key=lambda experiment: score(experiment, range(1000, 1032)).mean()))


def test_cma_finds_the_bottom_of_a_rotated_valley():
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    scale = 10.0 ** np.linspace(0, 2, 6)
    optimiser = CmaOptimiser(np.full(6, 2.0), 1.0, rng)
    costs = []
    for _ in range(1500):
        point = optimiser.ask()
        costs.append(float((scale * (turn @ (point - 0.5)) ** 2).sum()))
        optimiser.tell(point, costs[-1])
    assert min(costs) < 1e-6 < 1.0 < costs[0]


def test_cma_takes_points_that_were_moved_into_the_ball():
    optimiser = CmaOptimiser(np.zeros(4), 1.0, np.random.default_rng(1))
    for _ in range(400):
        point = into_ball(optimiser.ask(), 2.0)
        optimiser.tell(point, float(((point - 3.0) ** 2).sum()))
    assert point == pytest.approx(np.ones(4), abs=0.05)


def test_cma_depends_on_its_generator_alone():
    runs = []
    for _ in range(2):
        np.random.seed(len(runs))  # what a library might read
        optimiser = CmaOptimiser(np.zeros(3), 1.0, np.random.default_rng(7))
        points = []
        for _ in range(40):
            points.append(optimiser.ask())
            optimiser.tell(points[-1], float(points[-1].sum()))
        runs.append(np.array(points))
    assert (runs[0] == runs[1]).all()


def test_one_dimension_is_enough():
    optimiser = CmaOptimiser(np.zeros(1), 1.0, np.random.default_rng(0))
    for _ in range(200):
        point = optimiser.ask()
        optimiser.tell(point, float((point[0] - 1.5) ** 2))
    assert point[0] == pytest.approx(1.5, abs=0.01)


def test_a_missing_library_is_named_before_anything_is_played(monkeypatch):
    assert re.fullmatch(r"cma \d+\.\d+.*", method_name())
    monkeypatch.setitem(sys.modules, "cma", None)  # importing it raises ImportError

    def score(experiment, seeds):
        raise AssertionError("an episode was played")

    with pytest.raises(ConfigError, match=re.escape("pip install 'twin-env[search]'")):
        run_study(score, make_space(), Settings(), NAMING)


@pytest.mark.parametrize(("budget", "least"), [(200, 1.2), (600, 1.6)])
def test_the_search_beats_luck(budget, least):
    space, score = make_space(), noisy(narrow)
    searched, at_random = [], []
    for seed in range(6):
        found = worst(score, space, budget, 3.0, seed, seeds=range(2))
        baseline = random_search(score, space, budget, 3.0, seed, seeds=range(2))
        assert found.evaluations <= budget and baseline.evaluations == budget
        searched.append(true_worst(found, space, narrow))
        at_random.append(true_worst(baseline, space, narrow))
    assert np.mean(searched) > least and np.mean(searched) > np.mean(at_random) + 0.5
    assert np.sum(np.array(searched) > np.array(at_random)) >= 5


def test_it_beats_random_search_where_the_worst_is_not_where_severities_point():
    def damage(experiment):
        return narrow(experiment, centre=(-1.2, 1.0, -1.0))

    space, score = make_space(), noisy(damage)
    pairs = [
        [true_worst(of(score, space, 600, 3.0, seed, seeds=range(2)), space, damage) for of in (worst, random_search)]
        for seed in range(4)
    ]
    searched, at_random = np.mean(pairs, axis=0)
    assert searched > at_random + 0.3


@pytest.mark.parametrize("budget", [10, 57, 200])
@pytest.mark.parametrize("kinds", [("feed_delay",), FIVE])
def test_every_evaluation_is_counted_and_stays_in_the_ball(budget, kinds):
    asked = []

    def score(experiment, seeds):
        asked.append((experiment, tuple(seeds)))
        return np.zeros(len(seeds))

    space = make_space(kinds)
    for of in (worst, random_search):
        asked.clear()
        found = of(score, space, budget, 1.5, 0, seeds=range(3))
        assert found.evaluations == sum(len(seeds) for _, seeds in asked) <= budget
        assert found.evaluations > budget - 6 and len(found.candidates) == len(asked)
        assert max(one.point.length for one in found.candidates) <= 1.5 + 1e-9
        assert all(seeds == tuple(range(len(seeds))) for _, seeds in asked)  # common random numbers


def test_the_same_seed_searches_the_same():
    space, score = make_space(), noisy(narrow)
    for of in (worst, random_search):
        first, second, other = (of(score, space, 150, 3.0, seed) for seed in (1, 1, 2))
        assert first == second != other


def test_a_search_can_start_where_another_ended():
    space, score = make_space(), noisy(narrow)
    before = [one.point for one in best(worst(score, space, 600, 3.0, 0, seeds=range(2)).candidates, 1)]
    found = worst(score, space, 60, 3.0, 1, seeds=range(1), warm=before)
    assert true_worst(found, space, narrow) > 1.5


@pytest.mark.parametrize("distance", [1.0, 2.0])
def test_beta_is_the_distance_to_the_plane(distance):
    space, damage = make_space(FIVE), plane(distance)
    found = worst(noisy(damage, 0.02), space, 400, 3.0, 0, seeds=range(2))
    starts = [one.point for one in best(found.candidates, 5)]
    near = resilience(
        noisy(damage, 0.02),
        lambda damages: np.median(damages) >= 0,
        space,
        3.0,
        600,
        0,
        starts=starts,
        seeds=range(2),
        fresh=range(1000, 1016),
    )
    assert near.beta == pytest.approx(distance, abs=0.2) and near.confirmed
    assert near.beta == near.point.length and near.evaluations <= 600
    assert near.chance == pytest.approx(0.5 * math.erfc(near.beta / math.sqrt(2)))


def test_nothing_that_breaks_has_no_beta():
    space = make_space()
    start = random_search(noisy(narrow), space, 20, 2.0, 0).candidates[0].point
    near = resilience(noisy(narrow), lambda damages: False, space, 2.0, 50, 0, starts=[start])
    assert near.beta is None and near.point is None and near.chance is None


def test_a_start_that_does_not_break_leads_to_one_that_does():
    space = make_space(PAIR, most_kinds=2)
    start = Point(PAIR, (0.3, *[0.0] * (space.dimensions(PAIR) - 1)))
    near = resilience(
        noisy(plane(1.5), 0.02), lambda damages: np.median(damages) >= 0, space, 3.0, 600, 0, starts=[start]
    )
    assert near.beta == pytest.approx(1.5, abs=0.3)
    nowhere = resilience(noisy(plane(1.5)), lambda damages: True, space, 3.0, 600, 0, starts=[])
    assert nowhere.beta is None and nowhere.evaluations == 0


def test_what_breaks_at_the_median_has_beta_zero():
    space = make_space()
    start = random_search(noisy(narrow), space, 20, 2.0, 0).candidates[0].point
    near = resilience(noisy(narrow), lambda damages: True, space, 2.0, 50, 0, starts=[start], fresh=range(8))
    assert near.beta == 0.0 and near.confirmed


def experiment_of(*faults):
    return load_experiment({"title": "x", "method": list(faults)})


CRASH = {"kind": "flash_crash", "move": {"value": 15, "unit": "sigma"}, "fall_s": 1.0, "makers_left": 0.2}


def test_only_the_faults_that_are_needed_stay():
    faults = [
        CRASH,
        {"kind": "feed_delay", "delay_ms": 2000.0, "duration_s": 100.0},
        {"kind": "reject_storm", "probability": 0.9},
        {"kind": "order_delay", "delay_ms": 1500.0},
        {"kind": "throttle"},
        {"kind": "feed_loss"},
    ]
    small = minimise(experiment_of(*faults), lambda experiment: {*PAIR} <= {f.kind for f in experiment.method})
    assert {fault.kind for fault in small.experiment.method} == set(PAIR) and small.breaks
    one = minimise(experiment_of(*faults), lambda experiment: "throttle" in experiment.names)
    assert one.experiment.names == ["throttle"]
    assert small.experiment.provenance.parent == experiment_of(*faults).hash


def test_numbers_become_as_mild_as_they_can():
    start = experiment_of({"kind": "feed_delay", "delay_ms": 2900.0, "duration_s": 110.0}, CRASH)

    def still_breaks(experiment):
        return scores_of(experiment).get(FEED, -9.0) >= 0.8

    small = minimise(start, still_breaks).experiment
    assert small.names == ["feed_delay"]
    scores = scores_of(small)
    assert 0.8 <= scores[FEED] < 1.05
    assert scores["feed_delay.duration_s"] == pytest.approx(0.0, abs=0.1)  # does not matter: as usual
    assert small.method[0].delay_ms == float(f"{small.method[0].delay_ms:.2g}")  # and readable


def test_nothing_becomes_worse_while_it_is_made_small():
    mild = experiment_of({"kind": "feed_delay", "delay_ms": 25.0, "duration_s": 3.0})
    assert minimise(mild, lambda experiment: True).experiment.method == mild.method


def test_what_others_wait_for_stays_with_them():
    waiting = {"kind": "feed_delay", "when": {"at": "after", "fault": "flash_crash"}}
    small = minimise(experiment_of(CRASH, waiting), lambda experiment: "feed_delay" in experiment.names)
    assert small.experiment.names == ["flash_crash", "feed_delay"]


def test_what_does_not_break_is_left_alone():
    start = experiment_of(CRASH)
    small = minimise(start, lambda experiment: False)
    assert (small.experiment, small.tests, small.breaks) == (start, 1, False)


def test_tests_are_counted_and_limited():
    asked = []

    def still_breaks(experiment):
        asked.append(experiment.hash)
        return scores_of(experiment).get(ORDERS, -9.0) > 0.5

    start = experiment_of(CRASH, *({"kind": kind, "duration_s": 90.0} for kind in PAIR), {"kind": "throttle"})
    small = minimise(start, still_breaks, most_tests=9)
    assert small.breaks and small.tests == len(asked) == 9 == len(set(asked))


@pytest.mark.parametrize("budget", [10, 40, 200])
def test_the_chosen_was_scored_once_more_within_the_budget(budget):
    asked = []

    def score(experiment, seeds):
        asked.append(tuple(seeds))
        return noisy(narrow)(experiment, seeds)

    final_seeds = range(100, 104)
    for of in (worst, random_search):
        asked.clear()
        found = of(score, make_space(), budget, 3.0, 0, seeds=range(2), final_seeds=final_seeds)
        finals = [one for one in found.candidates if one.seeds == tuple(final_seeds)]
        assert found.evaluations == sum(map(len, asked)) <= budget
        assert len(finals) == min(6, int(0.2 * budget) // 4) and len({one.point for one in finals}) == len(finals)
        assert found.chosen == max(finals or [best(found.candidates, 1)[0]], key=lambda one: one.mean)


def test_the_first_look_finds_subsets_and_unions_of_what_hurts():
    space = make_space()
    evaluator = Evaluator(noisy(narrow), 300)
    found = explore(evaluator, space, 3.0, 300, (0,), np.random.default_rng(0))
    assert evaluator.spent == len(found) == 300 and max(one.point.length for one in found) <= 3.0 + 1e-9
    early, late = found[:150], found[150:]
    assert np.mean([one.mean for one in late]) > np.mean([one.mean for one in early]) + 0.05
    assert {len(one.point.kinds) for one in late} == {1, 2, 3}
    assert {*PAIR} <= {*leaders(found, 1)[0].point.kinds}
    assert len({one.point.kinds for one in leaders(found, 4)}) == 4


def test_luck_in_a_rung_does_not_last():
    arm = Arm(PAIR, CmaOptimiser(np.zeros(2), 1.0, np.random.default_rng(0)), Point(PAIR, (1.0, 1.0)))
    assert arm.ask(3.0).tolist() == [1.0, 1.0]
    for scores, damage in (((1.0, 1.0), 5.0), ((2.0, 0.0), 1.0)):
        arm.tell(Candidate(Point(PAIR, scores), (damage,), (0,)))
    arm.rest()
    assert arm.most == -math.inf and arm.ask(3.0).tolist() == [1.0, 1.0]

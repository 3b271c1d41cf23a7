"""Points, sets of kinds and the ball."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studies.search.toys import FIVE, HORIZON_S, make_space
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.sampling.fault_templates import FaultTemplate, score_of
from twin_env.chaos.sampling.prior import Choice, Whole
from twin_env.chaos.sampling.randomisation import load_sampler_config
from twin_env.studies.search.archive import Archive, cell_of
from twin_env.studies.search.evaluator import BudgetSpentError, Candidate, Evaluator, best
from twin_env.studies.search.random_search import draw_in_ball
from twin_env.studies.search.result import share_beyond
from twin_env.studies.search.space import Point, Space, into_ball

EVERYTHING = Space.of(load_sampler_config("everything"), HORIZON_S)


def test_there_are_as_many_sets_as_counted():
    assert len(list(EVERYTHING.sets())) == EVERYTHING.count == 36 + 630 + 7140
    assert set(map(len, make_space().sets())) == {1, 2, 3} and make_space(most_kinds=1).count == 5


@given(st.integers(0, 10**6))
def test_points_of_a_ball_are_valid_experiments_and_come_back(seed):
    rng = np.random.default_rng(seed)
    point = draw_in_ball(EVERYTHING, EVERYTHING.draw_set(rng), 3.0, rng)
    assert point.length <= 3.0 + 1e-9
    experiment = EVERYTHING.experiment(point)
    assert load_experiment(experiment.model_dump(mode="json")).hash == experiment.hash
    back = EVERYTHING.point_of(experiment)
    assert back.kinds == point.kinds and back.length <= point.length + 1e-3
    assert EVERYTHING.experiment(back).method == experiment.method or any(
        abs(one - other) < 0.05 for one, other in zip(back.scores, point.scores, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_found_back(kind):
    for axis, prior in KINDS[kind].priors.items():
        for score in (-2.0, -0.5, 0.0, 1.0, 2.0):
            template = FaultTemplate.plain(kind)
            fault = template.build([score] * len(template.axes), 0.5, HORIZON_S)
            back = score_of(prior, getattr(fault, axis))
            if isinstance(prior, Choice | Whole):
                assert abs(back) <= abs(score) + 1e-6 and prior.at(back) == prior.at(score)
            else:
                assert back == pytest.approx(score, abs=1e-6)


def test_values_without_a_score():
    assert (
        score_of(KINDS["gap"].priors["move"], KINDS["gap"].at("low", move={"value": 1, "unit": "ticks"}).move) is None
    )
    assert score_of(KINDS["gap"].priors["direction"], "sideways") is None
    stranger = load_experiment({"title": "x", "method": [{"kind": "gap", "move": {"value": 4, "unit": "sigma"}}]})
    assert make_space().point_of(stranger) is None


def test_points_within_a_ball_are_even():
    rng = np.random.default_rng(1)
    space = make_space()
    lengths = [draw_in_ball(space, ("feed_delay",), 2.0, rng).length for _ in range(3000)]
    assert np.mean([length < 2.0 * 0.5 ** (1 / 3) for length in lengths]) == pytest.approx(0.5, abs=0.03)
    assert np.linalg.norm(into_ball(np.array([3.0, 4.0]), 2.0)) == pytest.approx(2.0)
    assert into_ball(np.array([0.3, 0.4]), 2.0).tolist() == [0.3, 0.4]


def test_the_way_to_the_worse_is_a_unit_vector():
    space = make_space()
    assert space.worse(("feed_delay",)).tolist() == [1.0, 0.0, 0.0]
    assert np.linalg.norm(space.worse(("flash_crash", "feed_delay"))) == pytest.approx(1.0)


def test_onsets_left_to_the_run_are_no_scores():
    floating = Space([FaultTemplate.plain("feed_stale", floating=True)], HORIZON_S)
    assert floating.dimensions(("feed_stale",)) == 1 == len(floating.worse(("feed_stale",)))
    assert floating.experiment(Point(("feed_stale",), (0.5,))).method[0].when.at == "random"


def test_a_space_has_every_kind_once():
    for templates in ([], [FaultTemplate.plain("feed_stale"), FaultTemplate.plain("feed_stale")]):
        with pytest.raises(ValueError, match="expected at least one kind"):
            Space(templates, HORIZON_S)


def test_evaluations_are_counted_and_never_above_the_budget():
    space, evaluator = make_space(), Evaluator(lambda experiment, seeds: np.zeros(len(seeds)), 5)
    point = Point(("feed_delay",), (0.0, 0.0, 0.0))
    evaluator.candidate(space, point, (1, 2, 3))
    with pytest.raises(BudgetSpentError):
        evaluator.candidate(space, point, (1, 2, 3))
    assert evaluator.spent == 3 and evaluator.left == 2


@pytest.mark.parametrize("answer", [np.zeros(2), np.array([math.nan]), 0.0])
def test_a_score_is_one_finite_number_per_seed(answer):
    with pytest.raises(ValueError, match="expected a finite damage for each of 1 seeds"):
        Evaluator(lambda experiment, seeds: answer, 5).damages(make_space().experiment(Point((), ())), (0,))


def test_the_best_are_those_that_were_not_only_lucky():
    point = Point((), ())
    steady = Candidate(point, (1.0, 1.4, 0.9, 1.1), (0, 1, 2, 3))
    at_random = Candidate(point, (1.15,), (0,))
    assert best([at_random, steady], 1) == [steady]


def test_the_archive_keeps_the_worst_of_each_cell():
    space = make_space()
    early, late = Point(("feed_delay",), (0.0, 0.0, -1.0)), Point(("feed_delay",), (0.0, 0.0, 1.0))
    pair = Point(("feed_delay", "order_delay"), (0.0,) * 7)
    archive = Archive(space)
    archive.add(Candidate(point, (damage,), (0,)) for point, damage in ((early, 1.0), (late, 2.0), (pair, 3.0)))
    archive.add([Candidate(early, (0.5,), (0,))])
    assert [cell for cell, _ in archive.elites()] == [("feed+orders", "middle"), ("feed", "late"), ("feed", "early")]
    assert archive.cells[("feed", "early")].mean == 1.0
    floating = Space([FaultTemplate.plain("feed_stale", floating=True)], HORIZON_S)
    assert cell_of(floating.experiment(Point(("feed_stale",), (0.5,))), HORIZON_S) == ("feed", "any")


def test_how_many_draws_are_as_far():
    assert share_beyond(2.0, 1) == pytest.approx(0.0455, abs=1e-4)
    assert share_beyond(3.0, 9) == pytest.approx(0.437, abs=1e-3)


def test_the_toys_have_the_kinds_they_name():
    assert set(FIVE) <= set(KINDS)

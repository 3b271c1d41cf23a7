"""The whole search and its report."""

import numpy as np
import pytest

from tests.studies.search.toys import NAMING, PAIR, make_space, narrow, noisy, plane
from twin_env.studies.search.result import HONESTY, SearchReport
from twin_env.studies.search.study import Settings, run_study

SETTINGS = Settings(
    budget=800, radii=(1.0, 2.0, 3.0), loop_seeds=2, check_seeds=4, fresh_seeds=8, finalists=5, failures=3, limit=0.8
)


@pytest.fixture(scope="module")
def asked():
    return []


@pytest.fixture(scope="module")
def report(asked):
    score = noisy(narrow)

    def counted(experiment, seeds):
        asked.append((experiment.hash, tuple(seeds)))
        return score(experiment, seeds)

    return run_study(counted, make_space(), SETTINGS, NAMING)


def test_the_report_is_json(report):
    assert SearchReport.model_validate_json(report.model_dump_json()) == report
    assert report.honesty == HONESTY and "not proof" in report.honesty


def test_every_evaluation_is_accounted_for(report, asked):
    assert report.spent.total == sum(len(seeds) for _, seeds in asked)
    assert report.spent.search <= 800 and report.spent.random <= 800 and report.spent.resilience <= 800 // 3 + 5 * 8


def test_damage_grows_with_the_radius_and_luck_is_behind(report):
    assert [point.radius for point in report.front] == [1.0, 2.0, 3.0]
    damages = [point.damage.mean for point in report.front]
    assert damages == sorted(damages) and damages[-1] > 1.4
    assert report.front[-1].damage.mean > report.front[-1].random_damage.mean


def test_the_worst_is_the_pair_made_small(report):
    first = report.failures[0]
    assert first.kinds == PAIR and first.damage.mean >= 0.7
    assert first.damage.low < first.damage.mean < first.damage.high and first.damage.n == 8
    assert "market data takes" in first.words.lower()
    assert first.command == f"again {first.file} {first.seed}"
    assert first.length <= 3.0 + 0.2 and 0 < first.share_beyond < 1
    assert len({failure.kinds for failure in report.failures}) == len(report.failures) <= 3


def test_what_is_reported_was_not_chosen_by(report, asked):
    loop, check, fresh = (set(SETTINGS.seeds(which, 1000)) for which in range(3))
    assert not loop & check and not check & fresh and not loop & fresh
    assert {seed for _, seeds in asked for seed in seeds} <= loop | check | fresh
    assert all(failure.seed in fresh for failure in report.failures)


def test_the_nearest_failure_costs_the_limit(report):
    assert report.breaking.limit == 0.8 and 1.0 < report.breaking.beta < 2.6 and report.breaking.words
    assert report.breaking.confirmed


def test_the_archive_has_cells_of_different_kinds(report):
    cells = [(elite.families, elite.third) for elite in report.archive]
    assert len(cells) == len(set(cells)) > 8
    assert [elite.damage for elite in report.archive] == sorted((e.damage for e in report.archive), reverse=True)


def test_the_same_seed_reports_the_same(report):
    assert run_study(noisy(narrow), make_space(), SETTINGS, NAMING) == report


def test_where_nothing_does_damage_nothing_is_reported():
    settings = Settings(budget=60, radii=(2.0,), check_seeds=2, fresh_seeds=2, limit=5.0)
    report = run_study(lambda experiment, seeds: np.full(len(seeds), -1.0), make_space(), settings, NAMING)
    assert report.failures == () and report.breaking.beta is None and report.breaking.words == ""
    assert report.front[0].damage.mean == -1.0


def test_without_a_limit_no_nearest_failure_is_looked_for():
    settings = Settings(budget=60, radii=(2.0,), check_seeds=2, fresh_seeds=2)
    report = run_study(noisy(plane(0.5)), make_space(PAIR), settings, NAMING)
    assert report.breaking is None and report.spent.resilience == 0

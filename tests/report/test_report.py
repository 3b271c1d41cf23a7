"""Checks, tables and files of results."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.report.page_reader import Page, check_numbers
from twin_env.alpha.parts import MEANINGS, PARTS, SPLIT_NAMES
from twin_env.alpha.results import Episode, PairingError, Result, SumError, check, difference, summarize
from twin_env.envs.execution.info import INFO
from twin_env.provenance import describe_provenance
from twin_env.report.evaluation import COSTS, difference_table, split_table
from twin_env.report.evaluation_page.page import render_page
from twin_env.report.tables import interval_cells, verdict_of
from twin_env.report.tensorboard import write_scalars
from twin_env.statistics import Interval


def make_episode(seed, parts, strategy=0, first=b"market", drift=0.0):
    execution = sum(parts)
    micro = (strategy + execution, strategy, execution, *parts)
    info = dict.fromkeys(INFO.keys, 0.0) | {f"alpha/{n}": m * 1e-6 for n, m in zip(SPLIT_NAMES, micro, strict=True)}
    info |= {"exec/is_bps": -execution * 1e-6, "exec/drift_bps": drift, "exec/filled_lots": 15.0, "exec/fills": 3.0}
    return Episode(seed, info, micro, 20, execution * 1e-6, 7, first, seed * 3)


def make_result(name, shortfalls, **values):
    parts = [(0,) * (len(PARTS) - 1) + (-round(shortfall * 1e6),) for shortfall in shortfalls]
    return Result(name, [make_episode(seed, part) for seed, part in enumerate(parts)], **values)


def test_one_episode_shows_no_difference():
    interval = Interval.student([3.0])
    assert interval_cells(interval) == ["3.000", "-"] and interval_cells(None) == ["-", "-"]
    assert verdict_of(interval, COSTS) == "no difference shown"


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=20))
def test_difference_is_paired(pairs):
    left, right = make_result("a", [a for a, _ in pairs]), make_result("b", [b for _, b in pairs])
    both, back = difference(left, right), difference(right, left)
    assert both.mean == pytest.approx(np.mean([a - b for a, b in pairs]), abs=1e-5)
    assert (back.low, back.high) == pytest.approx((-both.high, -both.low), abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.2, "costs more"), (-0.2, -0.1, "costs less"), (-0.1, 0.2, "no difference shown")],
)
def test_words_follow_the_interval(low, high, words):
    assert verdict_of(Interval((low + high) / 2.0, low, high, 9), COSTS) == words


@given(st.lists(st.integers(-(10**15), 10**15), min_size=8, max_size=8), st.integers(0, 10), st.integers(-5, 5))
def test_a_wrong_sum_never_passes(parts, place, error):
    episode = make_episode(1, tuple(parts), strategy=12345)
    episode.check_sums()
    if error:
        micro = list(episode.parts_micro)
        micro[place] += error
        with pytest.raises(SumError, match="seed 1"):
            replace(episode, parts_micro=tuple(micro)).check_sums()


def test_policies_on_other_episodes_are_not_compared():
    left, right = make_result("left", [1.0, 2.0]), make_result("right", [1.0, 2.0])
    check([left, right])
    for spoiled in (replace(right.episodes[1], seed=9), replace(right.episodes[1], first_observation=b"other")):
        with pytest.raises(PairingError, match="of right and seed 1 of left do not begin with the same"):
            check([left, Result("right", [right.episodes[0], spoiled])])


def test_summary_survives_json():
    results = [make_result("base", [1.0, 3.0]), make_result("other", [0.5, 1.5], timesteps=10, source="runs/x")]
    data = summarize(results, results[0], "USD")
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["differences_is_bps"]["other"]["mean"] == pytest.approx(-1.0)
    assert data["objective"] == {
        "name": "without_drift",
        "title": "shortfall",
        "unit": "bps",
        "lower_is_better": True,
    }
    assert data["policies"][0]["filled_share"] == 0.75
    assert data["policies"][0]["alpha_total_micro"]["fees"] == -4_000_000
    assert data["policies"][1]["per_episode"]["event_log_hash"] == [f"{0:016x}", f"{3:016x}"]
    assert data["policies"][0]["event_logs_sha256"] == data["policies"][1]["event_logs_sha256"]


def test_table_shows_every_part_and_the_difference():
    results = [make_result("base", [1.0, 3.0]), make_result("other", [0.5, 1.5])]
    text = split_table(results, "USD").plain()
    names = [line.split()[0] for line in text.splitlines()]
    assert [name for name in names if name in SPLIT_NAMES] == list(SPLIT_NAMES)
    row = next(line for line in text.splitlines() if line.startswith("  fees"))
    assert row.split() == ["fees", "-2.00", "-1.00"]
    table = difference_table(results, results[0])
    assert table.rows == [["other", "-1.000", "-7.353 .. +5.353", "no difference shown"]]


def test_drift_is_taken_out_of_tables_where_it_is_known():
    def result(name, skills, lucks):
        parts = [(0,) * (len(PARTS) - 1) + (-round(sum(pair) * 1e6),) for pair in zip(skills, lucks, strict=True)]
        pairs = enumerate(zip(parts, lucks, strict=True))
        return Result(name, [make_episode(seed, part, drift=luck) for seed, (part, luck) in pairs])

    results = [result("base", [1.0, 1.2], [5.0, -7.0]), result("other", [1.4, 1.6], [-3.0, 4.0])]
    data = summarize(results, results[0], "USD")
    assert data["policies"][1]["without_drift_bps"]["mean"] == pytest.approx(1.5)
    assert data["policies"][1]["is_bps"]["mean"] == pytest.approx(2.0)
    assert data["differences_without_drift_bps"]["other"] == pytest.approx(
        {"mean": 0.4, "low": 0.4, "high": 0.4, "n": 2, "level": 0.95}
    )
    table = difference_table(results, results[0])
    assert table.title.startswith("Shortfall without drift")
    assert table.rows[0][1] == "+0.400"
    assert "  without drift" in [row[0] for row in split_table(results, "USD").rows]
    plain = [make_result("base", [1.0, 3.0])]
    assert "  without drift" not in [row[0] for row in split_table(plain, "USD").rows]
    assert difference_table(plain, plain[0]).title.startswith("Shortfall minus")


def test_the_page_of_results_has_their_figures_and_says_what_they_mean():
    results = [make_result("base", [1.0, 3.0]), make_result("<script>", [0.5, 1.5])]
    found = describe_provenance(4, ["evaluate.py"])
    data = summarize(results, results[0], "USD") | {"provenance": found, "env_config": {"links": "retail & more"}}
    page = Page(render_page(data))
    check_numbers(page)
    text = " ".join(page.texts)
    assert all(meaning in text for meaning in MEANINGS.values())
    assert "retail &amp; more" in page.html and "<script>" in [printed.text for printed in page.numbers]
    assert {each.text for each in page.numbers if each.path == "policies.0.alpha_ccy.fees"} == {"\u2212$2.00"}
    differences = {each.text for each in page.numbers if each.path == "derived.comparison.rows.1.difference.mean"}
    assert differences == {"\u22121.000"}


def test_scalars_read_back_as_a_horizontal_line(tmp_path):
    write_scalars(tmp_path / "twap", {"alpha/net": -1.5, "exec/is_bps": 0.25}, (0, 1000))
    events = EventAccumulator(str(tmp_path / "twap")).Reload()
    for tag, value in (("alpha/net", -1.5), ("exec/is_bps", 0.25)):
        assert [(event.step, event.value) for event in events.Scalars(tag)] == [(0, value), (1000, value)]


def test_provenance_names_versions_and_seed():
    found = describe_provenance(7, ["train.py", "--smoke"])
    assert found["seed"] == 7
    assert found["command"] == ["train.py", "--smoke"]
    assert found["packages"]["numpy"] == np.__version__
    assert found["git_commit"] is None or len(found["git_commit"]) == 40
    json.dumps(found)

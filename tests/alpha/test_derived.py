"""Figures that follow from the document of an evaluation: by hand, where numbers are few."""

import copy
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.report import make_document
from twin_env.alpha.derived import derive
from twin_env.alpha.derived.distribution import OUTLYING, deviation, find_outliers, histogram, scores
from twin_env.alpha.derived.objective import read_objective
from twin_env.alpha.derived.trading import by_hour, describe_equity, zone_of

OPENS_NS = 1_748_871_000_000_000_000  # 09:30 in New York


def document_of(values, **changes):
    """A document of parent orders with the shortfalls of each policy."""
    document = make_document(1, 3, trades=False)
    model = document["policies"][0]
    document["seeds"] = list(range(40, 40 + len(values[0])))
    document["policies"] = []
    for number, each in enumerate(values):
        policy = copy.deepcopy(model) | {"policy": f"p{number}"}
        zeros = [0.0] * len(each)
        policy["per_episode"] |= {"is_bps": list(each), "drift_bps": zeros, "net_ccy": [-10.0 * v for v in each]}
        policy["per_episode"]["execution_ccy"] = [-9.0 * v for v in each]
        document["policies"].append(policy)
    del document["experiments"]
    return document | {"baseline": "p0"} | changes


def test_differences_are_paired_and_in_words():
    rows = derive(document_of([[1.0, 3.0, 2.0], [2.0, 4.0, 3.0], [1.0, 2.0, 3.0]]))["derived"]["comparison"]["rows"]
    assert rows[0]["difference"] is None and rows[0]["words"] == "baseline"
    assert rows[1]["difference"] == pytest.approx({"mean": 1.0, "low": 1.0, "high": 1.0, "n": 3, "level": 0.95})
    assert rows[1]["net_difference_ccy"]["mean"] == pytest.approx(-10.0) and rows[1]["words"] == "costs more"
    assert rows[2]["difference"]["mean"] == 0.0 and rows[2]["words"] == "no difference shown"


def test_drift_is_taken_off_where_the_objective_says_so():
    document = document_of([[5.0, 7.0]])
    document["policies"][0]["per_episode"]["drift_bps"] = [1.0, 2.0]
    value = derive(document)["derived"]["comparison"]["rows"][0]["value"]
    assert value["mean"] == 4.5
    document["objective"] |= {"name": "shortfall"}
    assert derive(document)["derived"]["comparison"]["rows"][0]["value"]["mean"] == 6.0


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([[2.0, 2.1], [1.0, 1.1]], {"best": 1, "best_is_baseline": False, "compared": 1, "excludes_zero": True}),
        ([[1.0, 1.1], [2.0, 2.1]], {"best": 0, "best_is_baseline": True, "compared": 1, "excludes_zero": True}),
        ([[1.0, 3.0], [3.0, 0.5]], {"best": 1, "best_is_baseline": False, "compared": 1, "excludes_zero": False}),
        ([[1.0, 3.0]], {"best": 0, "best_is_baseline": True, "compared": None, "excludes_zero": False}),
        ([[1.0], [3.0]], {"best": 0, "best_is_baseline": True, "compared": 1, "excludes_zero": False}),
    ],
)
def test_the_verdict(values, verdict):
    assert derive(document_of(values))["derived"]["verdict"] == verdict


def test_an_objective_that_is_not_named_follows_from_the_environment():
    document = document_of([[1.0, 2.0]])
    del document["objective"]
    assert read_objective(document).name == "shortfall"
    assert read_objective(document | {"env": "TwinTrading-v0"}).name == "net"


def test_outliers_lie_far_from_the_median_and_do_not_hide_themselves():
    values = np.array([1.0, 2.0, 3.0, 2.0, 1.0, 2.5, 900.0, -700.0])
    assert deviation(values) == 1.0  # median 2: 1 0 1 0 1 .5 898 702
    found = find_outliers(values, list(range(8)))
    assert [row["seed"] for row in found["outliers"]] == [6, 7] and found["outlier_count"] == 2
    assert found["outliers"][0]["score"] == pytest.approx(0.6745 * 898.0)
    assert abs(scores(values)[2]) < OUTLYING


def test_where_most_values_are_the_same_nothing_is_an_outlier():
    assert find_outliers(np.array([1.0, 1.0, 1.0, 9.0]), [1, 2, 3, 4])["outliers"] == []
    nearly = np.array([1e6, 1e6 + 1e-10, 1e6 - 1e-10, 1e6 + 9.0])
    assert find_outliers(nearly, [1, 2, 3, 4])["outliers"] == [] and not scores(np.array([0.0, 1.0, 5e-309])).any()


@example([0.0, 1.0, 2.225073858507203e-309])
@example([0.0, 5e-324])
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_every_value_is_in_one_bin_that_all_policies_share(values):
    derived = derive(document_of([values, values[::-1]]))["derived"]["distributions"]
    assert sum(derived[0]["counts"]) == len(values) and derived[0]["edges"] == derived[1]["edges"]
    assert derived[0]["counts"] == derived[1]["counts"]
    json.dumps(derived, allow_nan=False)
    assert derived[0]["least"] <= derived[0]["median"] <= derived[0]["most"]


def test_a_histogram_counts():
    assert histogram(np.array([0.0, 0.4, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]))["counts"] == [2, 2]


def test_the_worst_episodes_come_with_what_to_type():
    document = document_of([[1.0, 9.0, 5.0], [3.0, 1.0, 2.0]], reproduce=["--chaos", "library:flash_crash"])
    document["policies"][1]["source"] = "runs/ppo_1"
    first, second = derive(document)["derived"]["worst"]
    assert [row["seed"] for row in first["episodes"]] == [41, 42, 40] and first["episodes"][0]["value"] == 9.0
    assert " ".join(second["episodes"][0]["command"]) == (
        "twin evaluate --chaos library:flash_crash --policies runs/ppo_1 --seed 40 --episodes 1"
    )
    del document["reproduce"]
    assert derive(document)["derived"]["worst"][0]["episodes"][0]["command"] is None


def test_the_worst_of_a_trader_earned_least():
    document = document_of([[1.0, 9.0, 5.0]])
    document["objective"] = {"name": "net", "title": "net result", "unit": "ccy", "lower_is_better": False}
    assert derive(document)["derived"]["worst"][0]["episodes"][0] | {"command": None} == {
        "seed": 41,
        "value": -90.0,
        "net_ccy": -90.0,
        "execution_ccy": -81.0,
        "command": None,
    }


def test_an_episode_counts_in_each_family_it_has():
    experiments = [{"families": ["feed"]}, {"families": ["price", "feed"]}, {"families": []}]
    document = document_of([[1.0, 2.0, 3.0], [2.0, 4.0, 3.0]], experiments=experiments)
    families = derive(document)["derived"]["families"]
    assert [(row["family"], row["episodes"]) for row in families] == [
        ("nothing went wrong", 1),
        ("feed", 2),
        ("price", 1),
    ]
    feed = families[1]["policies"]
    assert feed[0]["value"]["mean"] == 1.5 and feed[1]["difference"]["mean"] == 1.5


def test_equity_and_drawdown():
    found = describe_equity(np.array([10.0, -4.0, -8.0, 20.0, -1.0]))
    assert found["equity_ccy"] == [10.0, 6.0, -2.0, 18.0, 17.0]
    assert found["drawdown_ccy"] == [0.0, 4.0, 12.0, 0.0, 1.0]
    assert (found["max_drawdown_ccy"], found["final_ccy"]) == (12.0, 17.0)
    assert describe_equity(np.array([-3.0]))["max_drawdown_ccy"] == 3.0  # below what one began with


def test_hours_are_those_of_the_instrument():
    document = make_document(1, 2)
    trips = [{"begin_ns": OPENS_NS, "net_ccy": 5.0}, {"begin_ns": OPENS_NS + 3_600 * 10**9, "net_ccy": -1.0}]
    trips.append({"begin_ns": OPENS_NS + 60 * 10**9, "net_ccy": -2.0})
    hours = by_hour({"trips": {"list": trips}}, zone_of(document))
    assert hours == [
        {"hour": 9, "trips": 2, "net_ccy": 3.0, "win_rate": 0.5},
        {"hour": 10, "trips": 1, "net_ccy": -1.0, "win_rate": 0.0},
    ]


def test_deriving_twice_is_deriving_once():
    once = derive(make_document(2, 9))
    assert derive(once) == once

"""Domain randomisation: valid at every seed, as the priors say, and the same everywhere."""

import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from tests.chaos.test_compile import SCENE
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.sampling.fault_templates import FaultTemplate, worse
from twin_env.chaos.sampling.randomisation import FAMILIES, SamplerConfig, load_sampler_config
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import ConfigError, preset_names
from twin_env.core.state.layout import EFFECTS
from twin_env.core.state.seed import MAX_SEED

HORIZON_S = 300.0
EVERYTHING = Sampler(load_sampler_config("everything"))


def sampler(*kinds, **changes):
    terms = [kind if isinstance(kind, dict) else {"kind": kind} for kind in kinds]
    return Sampler(load_sampler_config({"calm_share": 0.0, "keep_family": 1.0, "terms": terms, **changes}))


def draw_many(of, count=3000):
    return [of.draw(seed, HORIZON_S) for seed in range(count)]


@settings(max_examples=300)
@given(st.integers(0, MAX_SEED), st.floats(1.0, 86_400.0))
def test_every_seed_gives_an_experiment_that_is_read_back_as_it_was(seed, horizon_s):
    drawn = EVERYTHING.draw(seed, horizon_s)
    again = load_experiment(drawn.experiment.model_dump(mode="json"))
    assert again == drawn.experiment and again.hash == drawn.experiment.hash
    assert drawn.experiment.provenance.seed == seed
    assert len(drawn.kinds) <= EVERYTHING.config.count.most
    onset = EVERYTHING.config.onset
    for fault in drawn.experiment.method:
        assert onset.from_share * horizon_s - 1e-3 <= fault.when.seconds <= onset.to_share * horizon_s + 1e-3


@settings(max_examples=50)
@given(st.sampled_from(preset_names("chaos")), st.integers(0, MAX_SEED))
def test_every_preset_draws(name, seed):
    drawn = Sampler(load_sampler_config(name)).draw(seed, HORIZON_S)
    assert drawn.experiment.describe()


@settings(max_examples=200)
@given(st.sampled_from(preset_names("chaos")), st.sampled_from(["train", "heldout", "all"]), st.integers(0, MAX_SEED))
def test_no_preset_draws_more_effects_than_a_world_holds(name, split, seed):
    try:
        config = load_sampler_config(name, split=split)
    except ConfigError:
        return  # a split without a term
    drawn = Sampler(config).draw(seed, HORIZON_S)
    assert sum(len(fault.effects(SCENE)) for fault in drawn.experiment.method) <= EFFECTS


def test_what_could_draw_more_effects_than_a_world_holds_is_refused():
    crash = {"kind": "flash_crash", "fields": {"recovery": {"fraction": 0.5}}}
    terms = [crash] * 3 + [{"kind": "chop"}] * 5
    with pytest.raises(ConfigError) as refused:
        load_sampler_config({"terms": terms, "count": {"mean": 5.0, "most": 5}})
    assert "count.most is 5, with which a draw of these terms can come down to 13 effects, expected at most 12" in str(
        refused.value
    )
    fits = Sampler(
        load_sampler_config(
            {"terms": terms[1:], "count": {"mean": 20.0, "most": 5}, "calm_share": 0.0, "keep_family": 1.0}
        )
    )
    counts = [sum(len(fault.effects(SCENE)) for fault in drawn.experiment.method) for drawn in draw_many(fits, 200)]
    assert max(counts) == EFFECTS


def test_everything_is_every_kind():
    assert {term.kind for term in EVERYTHING.config.terms} == set(KINDS)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=10))
def test_a_draw_does_not_depend_on_those_before_it(seeds):
    fresh = Sampler(EVERYTHING.config)
    before = [EVERYTHING.draw(seed, HORIZON_S) for seed in seeds]
    assert fresh.draw(seeds[-1], HORIZON_S) == before[-1]


def test_other_processes_draw_the_same():
    code = (
        "from twin_env.chaos.sampling.sampler import Sampler;"
        "from twin_env.chaos.sampling.randomisation import load_sampler_config;"
        "s = Sampler(load_sampler_config('everything'));"
        "print(*[s.draw(seed, 300.0).experiment.hash for seed in range(20)])"
    )
    hashes = [EVERYTHING.draw(seed, HORIZON_S).experiment.hash for seed in range(20)]
    for _ in range(2):
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert said.split() == hashes
    assert len(set(hashes)) > 15


@pytest.mark.parametrize("kind", ["flash_crash", "liquidity_drought", "feed_delay", "spoofing", "exchange_outage"])
def test_numbers_follow_their_priors(kind):
    draws = draw_many(sampler(kind))
    for axis, prior in KINDS[kind].priors.items():
        scores = [drawn.scores[f"{kind}.{axis}"] for drawn in draws]
        assert kstest(scores, "norm").pvalue > 1e-3, axis
        for drawn in draws[:20]:
            said = drawn.experiment.model_dump()["method"][0][axis]
            assert said == pytest.approx(prior.at(drawn.scores[f"{kind}.{axis}"])), axis


def test_a_range_of_a_term_replaces_the_prior():
    draws = draw_many(sampler({"kind": "feed_delay", "priors": {"delay_ms": {"low": 10, "high": 1000}}}))
    shares = [math.log(drawn.experiment.method[0].delay_ms / 10) / math.log(100) for drawn in draws]
    assert kstest(shares, "uniform").pvalue > 1e-3
    even = sampler({"kind": "feed_delay", "priors": {"delay_ms": {"low": 10, "high": 1000, "law": "uniform"}}})
    shares = [(drawn.experiment.method[0].delay_ms - 10) / 990 for drawn in draw_many(even)]
    assert kstest(shares, "uniform").pvalue > 1e-3


def test_distances_and_whole_numbers_keep_their_form():
    term = {"kind": "flash_crash", "priors": {"move": {"low": 5, "high": 15, "unit": "bps"}}, "fields": {"fall_s": 3.0}}
    for drawn in draw_many(sampler(term), 50):
        crash = drawn.experiment.method[0]
        assert crash.move.unit == "bps" and 5 <= crash.move.value <= 15 and crash.fall_s == 3.0
    layers = sampler({"kind": "spoofing", "priors": {"levels": {"low": 3, "high": 3}, "side": {"values": ["buy"]}}})
    assert {(d.experiment.method[0].levels, d.experiment.method[0].side) for d in draw_many(layers, 20)} == {(3, "buy")}


def test_onsets_are_even_in_their_window():
    draws = draw_many(sampler({"kind": "feed_stale", "onset": {"from_share": 0.2, "to_share": 0.4}}))
    shares = [(drawn.experiment.method[0].when.seconds / HORIZON_S - 0.2) / 0.2 for drawn in draws]
    assert kstest(shares, "uniform").pvalue > 1e-3


def test_an_onset_can_be_left_to_the_run():
    when = sampler({"kind": "feed_stale", "onset": {"at": "random"}}).draw(1, HORIZON_S).experiment.method[0].when
    assert (when.at, when.from_s, when.to_s) == ("random", 15.0, 240.0)


def test_counts_follow_the_truncated_poisson_law():
    counts = Counter(len(drawn.kinds) for drawn in draw_many(sampler(*KINDS, count={"mean": 1.5, "most": 3}), 6000))
    masses = np.array([1.5, 1.5**2 / 2, 1.5**3 / 6])
    shares = np.array([counts[1], counts[2], counts[3]]) / 6000
    assert shares == pytest.approx(masses / masses.sum(), abs=0.025) and set(counts) == {1, 2, 3}


def test_calm_episodes_are_as_many_as_asked_for():
    calm = [not drawn.kinds for drawn in draw_many(sampler("feed_stale", "flash_crash", calm_share=0.3))]
    assert np.mean(calm) == pytest.approx(0.3, abs=0.03)
    nothing = Sampler(load_sampler_config("calm")).draw(5, HORIZON_S)
    assert nothing.experiment.method == () and nothing.experiment.number == 0.0


def test_omission_leaves_families_out():
    every = {"calm_share": 0.0, "count": {"mean": 20.0, "most": 6}}
    half = Sampler(load_sampler_config("everything", **every))
    whole = Sampler(load_sampler_config("everything", **every, keep_family=1.0))
    families = [
        np.mean([len({KINDS[kind].family for kind in drawn.kinds}) for drawn in draw_many(of, 500)])
        for of in (half, whole)
    ]
    assert families[0] < 0.85 * families[1]  # six faults at most: fewer families can be missing than of eight
    absent = np.mean(["feed" not in {KINDS[kind].family for kind in drawn.kinds} for drawn in draw_many(half, 500)])
    assert absent > 0.45


def test_weights_say_how_often():
    terms = [{"kind": "feed_stale", "weight": 3}, {"kind": "feed_loss"}]
    kinds = Counter(drawn.kinds for drawn in draw_many(sampler(*terms, count={"most": 1})))
    assert kinds[("feed_stale",)] / 3000 == pytest.approx(0.75, abs=0.03)


def test_stress_moves_the_market_together():
    pair = sampler("spread_widening", "liquidity_drought", count={"mean": 20, "most": 2}, stress_correlation=0.6)
    both = [drawn for drawn in draw_many(pair) if len(drawn.kinds) == 2]
    spread = [drawn.scores["spread_widening.spread_multiple"] for drawn in both]
    depth = [drawn.scores["liquidity_drought.depth_multiple"] for drawn in both]
    length = [drawn.scores["spread_widening.duration_s"] for drawn in both]
    assert np.corrcoef(spread, depth)[0, 1] == pytest.approx(-0.6, abs=0.04)  # a wide spread, a thin book
    assert np.corrcoef(spread, length)[0, 1] == pytest.approx(0.0, abs=0.06)
    assert np.corrcoef(spread, [drawn.stress for drawn in both])[0, 1] == pytest.approx(math.sqrt(0.6), abs=0.04)


def test_severity_stretches_scores():
    mild, wild = (draw_many(sampler("feed_delay", severity=severity), 500) for severity in (0.0, 2.0))
    assert {drawn.experiment.method[0].delay_ms for drawn in mild} == {KINDS["feed_delay"].priors["delay_ms"].at(0.0)}
    assert np.std([drawn.scores["feed_delay.delay_ms"] for drawn in wild]) == pytest.approx(2.0, abs=0.2)


def test_held_out_families_are_the_other_half():
    families = {
        split: {
            KINDS[template.kind].family for template in load_sampler_config("heldout_price", split=split).templates()
        }
        for split in ("train", "heldout", "all")
    }
    assert families["heldout"] == {"price"} and "price" not in families["train"]
    assert families["all"] == set(FAMILIES)


def test_a_kind_may_be_there_twice():
    twice = sampler("feed_delay", "feed_delay", count={"mean": 20, "most": 2})
    names = {tuple(drawn.experiment.names) for drawn in draw_many(twice, 100)}
    assert ("feed_delay", "feed_delay_no2") in names


def test_bounds_take_numbers_in_hand():
    of = sampler("feed_delay", severity=2.0)
    draws = [of.draw(seed, HORIZON_S, {"feed_delay.delay_ms": (0.5, 1.5)}) for seed in range(2000)]
    scores = [drawn.scores["feed_delay.delay_ms"] - 0.5 for drawn in draws]
    assert kstest(scores, "uniform").pvalue > 1e-3
    free = [drawn.scores["feed_delay.duration_s"] for drawn in draws]
    assert np.std(free) == pytest.approx(2.0, abs=0.15)


def test_severities_say_which_way_is_worse():
    assert [worse("flash_crash", axis) for axis in ("move", "fall_s", "makers_left")] == [1, -1, -1]
    assert worse("gap", "direction") == 0 and worse("spread_widening", "duration_s") == 0
    assert FaultTemplate.plain("feed_delay").signs == (1, 0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"terms": [{"kind": "flash_crahs"}]}, "terms[0].kind is 'flash_crahs', expected one of flash_crash"),
        (
            {"terms": [{"kind": "feed_delay", "priors": {"delay_ms": {"low": -5, "high": 5, "law": "uniform"}}}]},
            "terms[0]: FeedDelay: delay_ms is -5.0, expected more than 0.",
        ),
        (
            {"terms": [{"kind": "feed_delay", "priors": {"delay_ms": {"low": -5, "high": 5}}}]},
            "terms[0]: low is -5, expected more than 0 where the law is log.",
        ),
        (
            {"terms": [{"kind": "feed_delay", "priors": {"delay": {"low": 1, "high": 5}}}]},
            "terms[0]: priors.delay is unknown, expected one of delay_ms, duration_s.",
        ),
        ({"heldout": ["crashes"], "calm_share": 1.0}, "heldout is ['crashes'], expected families of faults: account"),
        ({"terms": []}, "terms has none in split 'train', expected at least one where calm_share is below 1."),
    ],
)
def test_what_cannot_be_drawn_is_refused_when_it_is_read(changes, sentence):
    with pytest.raises(ConfigError) as refused:
        load_sampler_config(changes)
    assert any(sentence in problem for problem in refused.value.problems)


def test_configurations_are_hashable():
    assert hash(load_sampler_config("default")) == hash(load_sampler_config("default"))


def test_seeds_and_horizons_out_of_range_are_refused():
    of = Sampler(SamplerConfig(calm_share=1.0))
    for seed, horizon_s in ((-1, 300.0), (MAX_SEED + 1, 300.0), (0, 0.0), (0, 90_000.0), (0, math.nan)):
        with pytest.raises(ValueError, match="expected"):
            of.draw(seed, horizon_s)

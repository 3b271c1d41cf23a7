"""The document of an experiment: what it takes, what it refuses, and that files lose nothing of it."""

import json
import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_env.chaos import library
from twin_env.chaos.experiment import NOTHING, Experiment, Probe, load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.when import Clock
from twin_env.config import ConfigError, dump_yaml, parse_yaml

CRASH = {"kind": "flash_crash", "id": "crash", "move": {"value": 15, "unit": "points"}, "fall_s": 2}
BLIND = {"kind": "feed_disconnect", "when": {"at": "with", "fault": "crash", "delay_s": 0.2}, "duration_s": 7}
BOTH = {
    "title": "Crash without a feed",
    "description": "A price falls unseen.",
    "tags": ["crash"],
    "provenance": {"source": "human", "references": ["Nobody."]},
    "method": [CRASH, BLIND],
    "stop_conditions": [{"metric": "spread_multiple", "above": 100}],
    "blast_radius": {"max_move_percent": 1},
}
WHENS = {
    "offset": {"at": "offset", "seconds": 12.5},
    "clock": {"at": "clock", "time": "10:00", "zone": "America/New_York"},
    "clock on a day": {"at": "clock", "time": "09:59:30", "zone": "Europe/London", "day": "2025-06-02"},
    "anchor": {"at": "anchor", "name": "orb_start", "offset_s": -5},
    "anchor of another range": {"at": "anchor", "name": "orb_end", "start": "10:00"},
    "event": {"at": "on_event", "event": "position_open", "nth": 2, "delay_s": 0.5},
    "drawdown": {"at": "on_event", "event": "drawdown", "threshold": 250},
    "with": {"at": "with", "fault": "crash", "delay_s": 0.2},
    "after": {"at": "after", "fault": "crash", "delay_s": 3},
    "random": {"at": "random", "from_s": 5, "to_s": 50},
    "periodic": {"at": "periodic", "period_s": 60, "first_s": 5, "jitter_s": 30, "times": 3},
}


def problems(source, **overrides):
    with pytest.raises(ConfigError) as caught:
        load_experiment(source, **overrides)
    return caught.value.problems


def problem(source, **overrides):
    (sentence,) = problems(source, **overrides)
    return sentence


def through_json(experiment: Experiment) -> Experiment:
    return load_experiment(json.loads(experiment.model_dump_json()))


def through_yaml(experiment: Experiment) -> Experiment:
    return load_experiment(parse_yaml(dump_yaml(experiment.model_dump(mode="json"))))


# There and back


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_an_experiment_comes_back_from_a_file_as_it_was(tmp_path, suffix):
    experiment = load_experiment(BOTH)
    path = tmp_path / f"experiment{suffix}"
    data = experiment.model_dump(mode="json")
    path.write_text(json.dumps(data) if suffix == ".json" else dump_yaml(data))
    assert load_experiment(path) == load_experiment(str(path)) == experiment


@pytest.mark.parametrize("name", library.names())
def test_every_experiment_of_the_library_comes_back(name):
    experiment = load_experiment(f"library:{name}")
    for back in (through_json(experiment), through_yaml(experiment)):
        assert back == experiment
        assert back.hash == experiment.hash


def test_what_was_set_is_enough_to_say_it_again():
    experiment = load_experiment(BOTH)
    short = experiment.model_dump(mode="json", exclude_unset=True)
    assert load_experiment(short) == experiment
    assert set(short) == set(BOTH)


def test_a_model_is_taken_as_it_is():
    experiment = load_experiment(BOTH)
    assert load_experiment(experiment) is experiment
    assert load_experiment(experiment, **{"rollbacks.settle_s": 1}).rollbacks.settle_s == 1


TEXT = st.characters(exclude_categories=("Cc", "Cs"))


@st.composite
def times(draw, names):
    """Any time, waiting for none but the names that are there."""
    seconds = st.floats(0, 86_400)
    variants = [
        st.fixed_dictionaries({"at": st.just("offset"), "seconds": seconds}),
        st.fixed_dictionaries(
            {
                "at": st.just("clock"),
                "time": st.times().map(lambda time: time.strftime("%H:%M:%S")),
                "zone": st.sampled_from(["UTC", "America/Chicago", "Asia/Tokyo"]),
            }
        ),
        st.fixed_dictionaries({"at": st.just("anchor"), "name": st.sampled_from(["orb_start", "london_fix"])}),
        st.fixed_dictionaries({"at": st.just("on_event"), "event": st.just("first_fill"), "nth": st.integers(1, 1000)}),
        st.tuples(seconds, seconds).map(lambda pair: {"at": "random", "from_s": min(pair), "to_s": max(pair)}),
        st.fixed_dictionaries({"at": st.just("periodic"), "period_s": st.floats(0.001, 86_400), "first_s": seconds}),
    ]
    if names:
        waits = {"at": st.sampled_from(["with", "after"]), "fault": st.sampled_from(names), "delay_s": seconds}
        variants.append(st.fixed_dictionaries(waits))
    return draw(st.one_of(variants))


@st.composite
def experiments(draw):
    """Any experiment whose faults are as likely as their priors say."""
    method = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=8))):
        severity = KINDS[kind].severity_levels[draw(st.sampled_from(library.SEVERITIES))]
        drawn = {key: prior.at(draw(st.floats(-3, 3))) for key, prior in KINDS[kind].priors.items()}
        when = draw(times([fault["id"] for fault in method]))
        chance = draw(st.floats(0, 1))
        method.append({"kind": kind, "id": f"fault_{number}", "when": when, "toxicity": chance, **severity, **drawn})
    words = st.text(max_size=50)
    made = {"source": draw(st.sampled_from(["human", "search", "sampler"])), "prompt": draw(words)}
    return load_experiment(
        {"title": draw(st.text(TEXT, min_size=1, max_size=50)), "provenance": made, "method": method}
    )


@settings(max_examples=150, deadline=None)
@given(experiments())
def test_any_experiment_comes_back_through_json_and_yaml(experiment):
    for back in (through_json(experiment), through_yaml(experiment)):
        assert back == experiment
        assert (back.hash, back.number) == (experiment.hash, experiment.number)


# Hashes


def test_words_about_an_experiment_do_not_change_its_hash():
    quiet = {"title": "Another", "description": "", "tags": [], "provenance": {"source": "llm", "prompt": "Break it."}}
    assert load_experiment(BOTH | quiet).hash == load_experiment(BOTH).hash


@pytest.mark.parametrize(
    "change",
    [
        {"method": [CRASH]},
        {"method": [CRASH | {"fall_s": 2.001}, BLIND]},
        {"method": [CRASH, BLIND | {"toxicity": 0.5}]},
        {"protections": "off"},
        {"stop_conditions": []},
        {"rollbacks": {"strategy": "never"}},
        {"blast_radius": {"max_move_percent": 2}},
        {"targets": {"symbol": "MGC"}},
        {"steady_state": {"probes": []}},
    ],
)
def test_everything_that_acts_changes_the_hash(change):
    assert load_experiment(BOTH | change).hash != load_experiment(BOTH).hash


def test_the_order_of_faults_does_not_change_the_hash():
    assert load_experiment(BOTH | {"method": [BLIND, CRASH]}).hash == load_experiment(BOTH).hash


def shuffled(value, order):
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(st.integers(0, 2**32))
def test_the_order_of_keys_does_not_change_the_hash(seed):
    assert load_experiment(shuffled(BOTH, random.Random(seed))).hash == load_experiment(BOTH).hash


def test_a_default_that_is_written_down_does_not_change_the_hash():
    written = load_experiment(BOTH).model_dump(mode="json")
    assert load_experiment(written).hash == load_experiment(BOTH).hash


def test_the_number_of_an_experiment_holds_the_head_of_its_hash():
    experiment = load_experiment(BOTH)
    assert f"{int(experiment.number):012x}" == experiment.hash[:12]
    assert NOTHING.number == 0.0


# Refused


def test_unknown_keys_are_refused_with_the_nearest():
    assert "did you mean 'method'" in problem(BOTH | {"methods": []})
    sentence = problem(BOTH | {"method": [CRASH | {"fal_s": 2}]})
    assert "method[0].fal_s" in sentence and "did you mean 'fall_s'" in sentence


def test_an_unknown_kind_is_refused_with_the_nearest():
    sentence = problem(BOTH | {"method": [{"kind": "flash_crsh"}]})
    assert "method[0].kind is 'flash_crsh' (did you mean 'flash_crash'?)" in sentence


def test_a_fault_without_a_kind_is_refused():
    assert "method[0].kind is missing" in problem(BOTH | {"method": [{"fall_s": 2}]})


def test_two_faults_of_one_name_are_refused():
    assert "2 faults called 'crash'" in problem(BOTH | {"method": [CRASH, CRASH]})
    halt = {"kind": "trading_halt"}
    assert "2 faults called 'trading_halt'" in problem(BOTH | {"method": [halt, halt]})
    assert len(load_experiment(BOTH | {"method": [halt, halt | {"id": "second"}]}).method) == 2


@pytest.mark.parametrize("at", ["with", "after"])
def test_a_fault_that_waits_for_nobody_is_refused(at):
    sentence = problem(BOTH | {"method": [CRASH, BLIND | {"when": {"at": at, "fault": "crsh"}}]})
    assert "method.feed_disconnect.when.fault is 'crsh'" in sentence
    assert "crash, feed_disconnect" in sentence


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_faults_that_wait_for_each_other_are_refused(names):
    method = [
        {"kind": "trading_halt", "id": name, "when": {"at": "after", "fault": names[place - 1]}}
        for place, name in enumerate(names)
    ]
    assert "waits for itself" in problem(BOTH | {"method": method})


def test_a_chain_of_faults_is_fine():
    chain = [{"kind": "trading_halt", "id": "f0"}]
    chain += [
        {"kind": "trading_halt", "id": f"f{place}", "when": {"at": "after", "fault": f"f{place - 1}"}}
        for place in range(1, 8)
    ]
    assert load_experiment(BOTH | {"method": chain[::-1]}).names == [f"f{place}" for place in range(7, -1, -1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"schema_version": 2}, "schema_version"),
        ({"protections": False}, "protections"),
        ({"method": [CRASH | {"id": f"c{place}"} for place in range(9)]}, "method"),
        ({"method": [CRASH | {"id": "Crash"}]}, "method[0].id"),
        ({"method": [CRASH | {"toxicity": 1.1}]}, "method[0].toxicity"),
        ({"method": [CRASH | {"fall_s": 0}]}, "method[0].fall_s"),
        ({"method": [CRASH | {"fall_s": float("nan")}]}, "method[0].fall_s"),
        ({"method": [CRASH | {"move": {"value": -15, "unit": "points"}}]}, "method[0].move.value"),
        ({"method": [CRASH | {"move": {"value": 15, "unit": "dollars"}}]}, "method[0].move.unit"),
        ({"method": [CRASH | {"move": 15}]}, "method[0].move"),
        ({"blast_radius": {"max_move_percent": 91}}, "blast_radius.max_move_percent"),
        ({"provenance": {"source": "me"}}, "provenance.source"),
        ({"stop_conditions": [{"metric": "spread", "above": 1}]}, "stop_conditions[0].metric"),
    ],
)
def test_values_beyond_their_bounds_are_refused_where_they_stand(change, message):
    for sentence in problems(BOTH | change):
        assert message in sentence
        assert "expected" in sentence


# Times


@pytest.mark.parametrize("name", sorted(WHENS))
def test_every_time_is_taken_and_comes_back(name):
    experiment = load_experiment(BOTH | {"method": [CRASH, BLIND | {"when": WHENS[name]}]})
    when = experiment.method[1].when
    assert when.at == WHENS[name]["at"]
    for key, value in WHENS[name].items():
        assert str(getattr(when, key)).startswith(str(value))
    assert through_json(experiment) == through_yaml(experiment) == experiment


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"at": "ofset"}, "when.at is 'ofset' (did you mean 'offset'?)"),
        ({"seconds": 5}, "when.at is missing"),
        ({"at": "offset", "seconds": -1}, "when.seconds is -1"),
        ({"at": "offset", "minutes": 1}, "when.minutes is 1, an unknown key"),
        ({"at": "clock", "time": "25:00", "zone": "UTC"}, "when.time is '25:00'"),
        ({"at": "clock", "time": "10:00"}, "when.zone is missing"),
        ({"at": "clock", "time": "10:00", "zone": "New York"}, "when.zone is 'New York'"),
        ({"at": "on_event", "event": "fill"}, "when.event is 'fill'"),
        ({"at": "on_event", "event": "first_fill", "nth": 0}, "when.nth is 0"),
        ({"at": "random", "from_s": 9, "to_s": 5}, "to_s is 5, expected at least from_s 9"),
        ({"at": "periodic", "period_s": 10, "jitter_s": 6}, "jitter_s is 6, expected at most half of period_s 10"),
        ({"at": "periodic", "period_s": 0}, "when.period_s is 0"),
        ({"at": "after"}, "when.fault is missing"),
    ],
)
def test_times_that_are_none_are_refused(when, message):
    assert message in problem(BOTH | {"method": [CRASH | {"when": when}]})


@pytest.mark.parametrize("time", ["02:30", "01:30"])
def test_a_time_that_its_zone_skips_or_has_twice_is_refused(time):
    day = {"02:30": "2025-03-09", "01:30": "2025-11-02"}[time]
    when = {"at": "clock", "time": time, "zone": "America/New_York", "day": day}
    assert time in problem(BOTH | {"method": [CRASH | {"when": when}]})


def test_a_time_of_the_clock_is_a_moment_in_its_zone():
    when = Clock(time="10:00", zone="America/New_York")
    assert when.ns(date(2025, 6, 2)) == 1_748_872_800 * 10**9  # 14:00 UTC
    assert when.ns(date(2025, 12, 2)) == 1_764_687_600 * 10**9  # 15:00 UTC


# Words and parts


def test_an_experiment_tells_what_goes_wrong():
    message = load_experiment(BOTH).describe()
    assert message.startswith("The price falls 15 points in 2 s; market data is cut off for 7 s")
    assert NOTHING.describe() == "Nothing goes wrong."


def test_a_fault_is_found_by_its_id_or_its_kind():
    experiment = load_experiment(BOTH)
    assert experiment.names == ["crash", "feed_disconnect"]
    assert experiment.fault("crash") is experiment.method[0]


@pytest.mark.parametrize(
    ("low", "high", "value", "holds"),
    [(0, 1, 0.5, True), (0, 1, 1, True), (0, 1, 1.1, False), (None, 1, -9, True), (0, None, -9, False)],
)
def test_a_probe_holds_within_its_range(low, high, value, holds):
    assert Probe(metric="halted", low=low, high=high).holds(value) is holds

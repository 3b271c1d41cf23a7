"""How many faults an experiment plans to have on at a time, and what the blast radius says to that."""

import pytest

from tests.chaos.test_compile import STAGE
from tests.chaos.worlds import experiment, fault
from twin_env.chaos.compile import compile_experiment
from twin_env.chaos.plan import most_concurrent
from twin_env.config import ConfigError


def at(seconds):
    return {"at": "offset", "seconds": seconds}


def lasting(name, duration_s, when):
    return fault("feed_delay", id=name, duration_s=duration_s, when=when)


def after(name, delay_s=0.0):
    return {"at": "after", "fault": name, "delay_s": delay_s}


def begins_with(name, delay_s=0.0):
    return {"at": "with", "fault": name, "delay_s": delay_s}


SOMETIME = {"at": "random", "from_s": 10, "to_s": 60}
PERIODIC = {"at": "periodic", "first_s": 0, "period_s": 10, "times": 3}
FILLED = {"at": "on_event", "event": "first_fill"}
CASES = {
    "none": ([], 0),
    "one": ([lasting("a", 10, at(0))], 1),
    "one ends as the next begins": ([lasting("a", 10, at(0)), lasting("b", 10, at(10))], 1),
    "one ends just after the next began": ([lasting("a", 10, at(0)), lasting("b", 10, at(9.9))], 2),
    "two at a time of three": ([lasting("a", 10, at(0)), lasting("b", 10, at(8)), lasting("c", 10, at(12))], 2),
    "two that are over at once": ([fault("fat_finger", id=name, when=at(5)) for name in "ab"], 2),
    "a chain": ([lasting("a", 10, at(0)), lasting("b", 5, after("a")), lasting("c", 5, after("b", 1))], 1),
    "with another, later than it lasts": ([lasting("a", 10, at(0)), lasting("b", 5, begins_with("a", 10))], 1),
    "with another": ([lasting("a", 10, at(0)), lasting("b", 5, begins_with("a", 9))], 2),
    "a chain that begins by chance": ([lasting("a", 10, SOMETIME), lasting("b", 50, after("a"))], 1),
    "chance may bring them together": ([lasting("a", 10, SOMETIME), lasting("b", 1, at(65))], 2),
    "chance cannot bring them together": ([lasting("a", 10, SOMETIME), lasting("b", 1, at(70))], 1),
    "two by chance": ([lasting("a", 1, SOMETIME), lasting("b", 1, SOMETIME)], 2),
    "an event may come at any time": ([lasting("a", 1, FILLED), lasting("b", 1, at(1000))], 2),
    "repeated before what follows is over": ([lasting("a", 5, PERIODIC), lasting("b", 6, after("a"))], 2),
    "repeated after what follows is over": ([lasting("a", 5, PERIODIC), lasting("b", 5, after("a"))], 1),
    "while another repeats": ([lasting("a", 1, PERIODIC), lasting("b", 1, at(5))], 2),
    "after the last repetition": ([lasting("a", 1, PERIODIC), lasting("b", 1, at(21))], 1),
}


@pytest.mark.parametrize("name", CASES)
def test_faults_at_a_time(name):
    faults, most = CASES[name]
    assert most_concurrent(experiment(*faults), {}) == most
    assert most_concurrent(experiment(*faults[::-1]), {}) == most


def test_times_of_the_clock_are_compared_with_each_other_and_added_to_the_rest():
    def clock(time):
        return {"at": "clock", "time": time, "zone": "America/New_York"}

    times = {"a": 0.0, "b": 60.0}
    both = [lasting("a", 60, clock("10:00")), lasting("b", 60, clock("10:01"))]
    assert most_concurrent(experiment(*both), times) == 1
    assert most_concurrent(experiment(*both), {"a": 0.0, "b": 59.0}) == 2
    assert most_concurrent(experiment(*both, lasting("c", 1, at(5))), times) == 2
    compile_experiment(experiment(*both, blast_radius={"max_concurrent": 1}), STAGE)
    both[0] = lasting("a", 61, clock("10:00"))
    with pytest.raises(ConfigError, match="max_concurrent"):
        compile_experiment(experiment(*both, blast_radius={"max_concurrent": 1}), STAGE)


def test_more_faults_at_a_time_than_the_blast_radius_allows_are_refused():
    three = [lasting(name, 10, at(5)) for name in "abc"]
    assert compile_experiment(experiment(*three, blast_radius={"max_concurrent": 3}), STAGE)[0]["count"] == 3
    with pytest.raises(ConfigError) as refused:
        compile_experiment(experiment(*three, blast_radius={"max_concurrent": 2}), STAGE)
    expected = "method has 3 faults that can be on at a time, expected at most blast_radius.max_concurrent = 2."
    assert expected in str(refused.value)

"""One set of accepted forms in every door, on every market, and one sentence for what is none."""

import gymnasium as gym
import pytest

import twin_env
from twin_env import Twin
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.read import read_experiment
from twin_env.config import ConfigError

assert twin_env
SENTENCE = "the price drops 5 points in 2 seconds"
FORMS = {
    "sentence": SENTENCE,
    "long sentence": SENTENCE + " please" * 60,
    "word": "chop",
    "library": "library:chop.mid",
    "fault": KINDS["chop"](kind="chop"),
    "keys of a fault": {"kind": "chop"},
    "list": [{"kind": "chop"}, {"kind": "feed_disconnect"}],
    "keys": {"title": "Two", "method": [{"kind": "chop"}]},
    "model": Experiment(title="One", method=(KINDS["chop"](kind="chop"),)),
}


@pytest.mark.jit
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_door_takes_every_form(form):
    expected = read_experiment(form, "mgc_2025")
    env = gym.make("TwinExecution-v0", chaos=form)
    env.reset(seed=1)
    assert env.unwrapped.experiment.method == expected.method
    env = gym.make("TwinExecution-v0")
    env.reset(seed=1, options={"experiment": form})
    assert env.unwrapped.experiment.method == expected.method
    assert env.unwrapped.inject(form).method == expected.method
    with Twin(chaos=form, seed=1) as twin:
        assert twin.experiment.method == expected.method
        twin.inject(form)


@pytest.mark.jit
def test_a_sentence_is_about_the_market_it_is_said_in():
    """Five points of ES are twenty ticks of a quarter of a point, and its symbol is its own."""
    env = gym.make("TwinExecution-v0", market="es_like", chaos=SENTENCE)
    env.reset(seed=1, options={"experiment": SENTENCE})
    for experiment in (env.unwrapped.config.chaos, env.unwrapped.experiment, env.unwrapped.inject(SENTENCE)):
        assert experiment.targets.symbol == "ES" and experiment.method[0].move.value == 5
    with Twin("es_like", chaos=SENTENCE, seed=1) as twin:
        assert twin.experiment.targets.symbol == "ES"
        twin.inject(SENTENCE)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "The experiment is None, expected a fault, an experiment, or what names one."),
        (3, "The experiment is 3, expected a fault"),
        ("/etc/passwd", "/etc/passwd: holds a single value, expected a mapping of keys to values."),
        ("cut the feed for " + "9" * 400 + " seconds", "A number has 400 digits, expected at most 15."),
        ("cut the feed for 1e400 seconds", "The sentence was not understood"),
        ({"kind": "feed_cut"}, "did you mean 'feed_stale'"),
        ({"title": "a \x1b[31m red", "method": []}, "expected text without the control character '\\x1b'"),
        ({"title": "x", "method": [{"kind": "chop"}] * 2}, "an 'id' of its own"),
    ],
)
def test_what_is_none_is_one_sentence(source, sentence):
    with pytest.raises(ConfigError) as caught:
        read_experiment(source)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1816-03-29"])
def test_a_day_that_no_clock_of_ours_has_is_refused(day):
    when = {"at": "clock", "day": day, "time": "10:00", "zone": "Asia/Tokyo"}
    with pytest.raises(ConfigError, match="expected 1971-01-01 to 2261-12-31"):
        read_experiment({"kind": "chop", "when": when})

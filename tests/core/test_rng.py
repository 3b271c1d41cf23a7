"""Counter-based draws: known answers, distribution, and that streams do not know of each other."""

import itertools

import numpy as np
import pytest
from scipy import special, stats

from twin_env.core.state import rng
from twin_env.core.state.jit import kernel

GAMMA = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


@kernel
def fill_uniform(key, first, out):
    for i in range(out.shape[0]):
        out[i] = rng.uniform(key, first + i)


@kernel
def fill_normal(key, first, out):
    for i in range(out.shape[0]):
        out[i] = rng.normal(key, first + i)


def draw(fill, count, *, seed=1, subsystem=rng.FLOW_STREAM, entity=0, first=0):
    out = np.zeros(count)
    key = np.uint64(rng.stream_key(np.uint64(seed), subsystem, entity))  # compiled, it comes back as a Python int
    fill(key, first, out)
    return out


def unmix(x: int) -> int:
    """Invert ``rng.mix``, so that a test can ask for any 64 bits as a draw."""
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        y = x
        for _ in range(64 // shift + 1):
            y = x ^ (y >> shift)
        x = y * pow(factor, -1, 2**64) & MASK
    return x


def key_of(bits: int) -> np.uint64:
    """Return a key whose draw number 0 is ``bits``."""
    key = np.uint64(unmix(bits))
    assert int(rng.bits(key, 0)) == bits
    return key


def test_splitmix64_known_answers():
    """The first outputs of SplitMix64 from seed 1234567, as published with the generator."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(rng.bits(np.uint64(1234567), n)) for n in range(1, 6)] == expected


@pytest.mark.parametrize("bits", [0, 1, MASK, MASK - 1, MASK - 2**11, 2**63, 2**63 - 1])
def test_uniform_is_strictly_between_0_and_1(bits):
    value = rng.uniform(key_of(bits), 0)
    assert 0.0 < value < 1.0
    assert abs(value - (bits + 0.5) / 2**64) < 2**-52


@pytest.mark.parametrize("bits", [0, 2**11, 2**30, 2**50, 2**62, 2**63, MASK - 2**50, MASK - 2**30, MASK - 2**12, MASK])
def test_normal_in_the_far_tails(bits):
    value, uniform = rng.normal(key_of(bits), 0), rng.uniform(key_of(bits), 0)
    assert np.isfinite(value)
    upper = uniform > 0.5
    expected = -special.ndtri(1.0 - uniform) if upper else special.ndtri(uniform)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.jit
def test_normal_is_the_inverse_of_uniform():
    uniform, normal = draw(fill_uniform, 200_000), draw(fill_normal, 200_000)
    assert np.max(np.abs(normal - special.ndtri(uniform))) < 1e-12


@pytest.mark.jit
@pytest.mark.parametrize("seed", [0, 1, 2, 2**63])
def test_uniformity(seed):
    values = draw(fill_uniform, 200_000, seed=seed)
    assert stats.kstest(values, "uniform").pvalue > 1e-4
    counts = np.bincount((values * 1000).astype(int), minlength=1000)
    assert stats.chisquare(counts).pvalue > 1e-4
    pairs = np.histogram2d(values[:-1:2], values[1::2], bins=20, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4, "neighbouring draws depend on each other"


def test_streams_have_keys_of_their_own():
    names = [(seed, subsystem, entity) for seed in range(20) for subsystem in range(8) for entity in range(20)]
    keys = {int(rng.stream_key(np.uint64(seed), subsystem, entity)) for seed, subsystem, entity in names}
    assert len(keys) == len(names)


def test_no_stream_runs_into_another_soon():
    """Keys are far apart in units of the counter step, so two streams never share a stretch of draws."""
    inverse = pow(GAMMA, -1, 2**64)
    keys = [int(rng.stream_key(np.uint64(seed), stream, 0)) for seed in range(50) for stream in range(1, 8)]
    places = sorted(key * inverse & MASK for key in keys)
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert min(gaps) > 2**41  # the feed's loss draws sit 2**40 away from its delay draws


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"subsystem": rng.MARKET_DATA_LINK_STREAM}, {"entity": 1}, {"seed": 1 + 2**32}], ids=str
)
def test_streams_are_uncorrelated(other):
    first, second = draw(fill_uniform, 20_000), draw(fill_uniform, 20_000, **other)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(20_000)
    assert abs(np.corrcoef(first[1:], second[:-1])[0, 1]) < 4.5 / np.sqrt(20_000)
    assert not np.isin(first, second).any()


def test_a_draw_depends_on_key_and_counter_alone():
    ahead = draw(fill_uniform, 100, first=10_000)
    whole = draw(fill_uniform, 10_100)
    again = draw(fill_uniform, 1, first=10_050)
    assert ahead.tolist() == whole[10_000:].tolist()
    assert again[0] == ahead[50]

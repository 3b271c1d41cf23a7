import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from twin_env.config import ConfigError, load_config
from twin_env.core.state.layout import DELAY_KNOTS, LINK
from twin_env.market.links import (
    ConstantDelay,
    EmpiricalDelay,
    FeedConfig,
    LinkConfig,
    LinksConfig,
    LognormalDelay,
    ShiftedGammaDelay,
    TruncatedNormalDelay,
    normal_scores,
    to_ns,
)

MS = 1e-6  # of a nanosecond
MANY = ndtri((np.arange(1_000_000) + 0.5) / 1_000_000)  # a normal sample without sampling error
UPPER_TAIL = [0.5, 0.95, 0.99, 0.999]


def sample_ms(delay) -> np.ndarray:
    """What a kernel does: a normal number, and linear interpolation between the knots."""
    place = np.clip((MANY + 5.0) * 8.0, 0.0, DELAY_KNOTS - 1.0)
    knot = np.minimum(place.astype(np.int64), DELAY_KNOTS - 2)
    table = delay.quantiles_ns()
    return (table[knot] + (place - knot) * (table[knot + 1] - table[knot])) * MS


durations = st.floats(min_value=0.0, max_value=3_600_000.0)
positive = st.floats(min_value=1e-3, max_value=3_600_000.0)


@st.composite
def moment_delays(draw, model):
    excess_ms = draw(positive)
    min_ms = draw(durations)
    assume(min_ms + excess_ms <= 3_600_000.0 and min_ms + excess_ms > min_ms)
    excess_ms = min_ms + excess_ms - min_ms  # as the model will see it
    sd_ms = min(3_600_000.0, excess_ms * draw(st.floats(1e-3, 19.9)))
    return model(min_ms=min_ms, mean_ms=min_ms + excess_ms, sd_ms=sd_ms)


@st.composite
def empirical_delays(draw):
    probabilities = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=6, unique=True)))
    delays = sorted(draw(st.lists(durations, min_size=len(probabilities), max_size=len(probabilities))))
    return EmpiricalDelay(quantiles=tuple(zip(probabilities, delays, strict=True)))


delays = st.one_of(
    st.builds(ConstantDelay, delay_ms=durations),
    st.builds(TruncatedNormalDelay, mean_ms=durations, sd_ms=positive, min_ms=durations),
    moment_delays(LognormalDelay),
    moment_delays(ShiftedGammaDelay),
    empirical_delays(),
)


# Properties


@given(delays)
@example(TruncatedNormalDelay(mean_ms=0, sd_ms=0.001, min_ms=3_600_000))
@example(LognormalDelay(mean_ms=180_000, sd_ms=3_600_000, min_ms=0))
@example(ShiftedGammaDelay(mean_ms=1, sd_ms=20, min_ms=0))
def test_quantiles_are_a_table_of_delays(delay):
    table = delay.quantiles_ns()
    assert table.shape == (DELAY_KNOTS,) and table.dtype == np.int64
    assert table[0] >= to_ns(getattr(delay, "min_ms", 0.0))
    assert np.all(np.diff(table) >= 0)
    assert table[-1] < 2**62


def test_knots_are_the_documented_scores():
    scores = normal_scores()
    assert (scores[0], scores[-1], scores[40]) == (-5.0, 5.0, 0.0)
    assert set(np.diff(scores)) == {0.125}


@given(delays)
def test_a_table_fits_the_record_of_a_link(delay):
    link = np.zeros(1, LINK)[0]
    link["delay_ns"] = delay.quantiles_ns()
    assert np.array_equal(link["delay_ns"], delay.quantiles_ns())


# Oracles: the distributions of scipy.stats


@given(
    st.sampled_from(["lognormal", "shifted_gamma", "truncated_normal"]),
    st.floats(0, 100),
    st.floats(0.1, 100),
    st.floats(0.05, 2.0),
)
def test_knots_are_the_quantiles_of_the_named_distribution(model, min_ms, excess_ms, ratio):
    mean_ms, sd_ms = min_ms + excess_ms, ratio * excess_ms
    excess_ms = mean_ms - min_ms
    if model == "lognormal":
        delay = LognormalDelay(mean_ms=mean_ms, sd_ms=sd_ms, min_ms=min_ms)
        sigma = np.sqrt(np.log1p((sd_ms / excess_ms) ** 2))
        oracle = stats.lognorm(sigma, loc=min_ms, scale=excess_ms * np.exp(-(sigma**2) / 2))
    elif model == "shifted_gamma":
        delay = ShiftedGammaDelay(mean_ms=mean_ms, sd_ms=sd_ms, min_ms=min_ms)
        oracle = stats.gamma((excess_ms / sd_ms) ** 2, loc=min_ms, scale=sd_ms**2 / excess_ms)
    else:
        delay = TruncatedNormalDelay(mean_ms=mean_ms, sd_ms=sd_ms, min_ms=min_ms)
        oracle = stats.truncnorm(-excess_ms / sd_ms, np.inf, loc=mean_ms, scale=sd_ms)
    scores, table_ms = normal_scores(), delay.quantiles_ns() * MS
    inside = table_ms > min_ms + 0.01  # below that a nanosecond is a large step
    below = inside & (scores < 0)
    assert oracle.cdf(table_ms[below]) == pytest.approx(stats.norm.cdf(scores[below]), rel=1e-3)
    above = inside & (scores >= 0)
    assert oracle.sf(table_ms[above]) == pytest.approx(stats.norm.sf(scores[above]), rel=1e-3)
    if model != "truncated_normal":
        assert (oracle.mean(), oracle.std()) == pytest.approx((mean_ms, sd_ms))


# Known answers: 50 ms with a standard deviation of 20 ms


@pytest.mark.parametrize(
    ("delay", "percentiles_ms"),
    [
        (LognormalDelay(mean_ms=50, sd_ms=20), [46.4, 87.5, 113.7, 152.7]),
        (ShiftedGammaDelay(min_ms=15, mean_ms=50, sd_ms=20), [46.3, 88.0, 112.3, 144.7]),
    ],
)
def test_interpolated_draws_have_the_stated_moments_and_percentiles(delay, percentiles_ms):
    drawn_ms = sample_ms(delay)
    assert drawn_ms.mean() == pytest.approx(50.0, abs=0.05)
    assert drawn_ms.std() == pytest.approx(20.0, abs=0.05)
    assert np.quantile(drawn_ms, UPPER_TAIL) == pytest.approx(percentiles_ms, abs=0.1)


def test_a_normal_that_is_cut_far_below_its_mean_stays_normal():
    drawn_ms = sample_ms(TruncatedNormalDelay(mean_ms=1000, sd_ms=20))
    assert (drawn_ms.mean(), drawn_ms.std()) == pytest.approx((1000.0, 20.0), abs=0.05)


def test_a_normal_that_is_cut_at_its_mean_is_half_a_normal():
    drawn_ms = sample_ms(TruncatedNormalDelay(mean_ms=50, sd_ms=20, min_ms=50))
    assert drawn_ms.mean() == pytest.approx(50 + 20 * np.sqrt(2 / np.pi), abs=0.05)
    assert drawn_ms.min() >= 50.0


def test_measured_percentiles_come_back():
    probabilities, delays_ms = np.array([[0.01, 0.5, 0.95, 0.99, 0.999], [10.0, 40.0, 90.0, 200.0, 500.0]])
    drawn_ms = sample_ms(EmpiricalDelay(quantiles=tuple(zip(probabilities, delays_ms, strict=True))))
    slopes = np.concatenate([[0.0], np.diff(delays_ms) / np.diff(ndtri(probabilities)), [0.0]])
    cut_ms = np.abs(np.diff(slopes)) * 0.125 / 4  # at most, where a bend lies between two knots
    assert np.all(np.abs(np.quantile(drawn_ms, probabilities) - delays_ms) <= cut_ms + 0.01)
    assert (drawn_ms.min(), drawn_ms.max()) == (10.0, 500.0)


def test_nothing_is_invented_beyond_measured_percentiles():
    table = EmpiricalDelay(quantiles=((0.1, 10.0), (0.9, 20.0))).quantiles_ns()
    assert (table[0], table[-1]) == (10_000_000, 20_000_000)


def test_a_constant_is_the_same_at_every_knot():
    assert set(ConstantDelay(delay_ms=1.5).quantiles_ns()) == {1_500_000}


# Refusals


@pytest.mark.parametrize(
    ("delay", "said"),
    [
        ({"model": "constant", "delay_ms": -1}, "delay.delay_ms is -1, expected at least 0"),
        ({"model": "lognormal", "mean_ms": 5, "sd_ms": 0}, "delay.sd_ms is 0, expected more than 0"),
        (
            {"model": "lognormal", "mean_ms": 5, "sd_ms": 1, "min_ms": 5},
            "delay: mean_ms is 5, expected more than min_ms 5",
        ),
        (
            {"model": "shifted_gamma", "mean_ms": 5, "sd_ms": 101},
            "delay: sd_ms is 101, expected at most 20 times mean_ms - min_ms = 5",
        ),
        ({"model": "constant", "delay_ms": 4e6}, "delay.delay_ms is 4000000.0, expected at most 3600000"),
        (
            {"model": "empirical", "quantiles": [[0.5, 3], [0.4, 4]]},
            "delay: quantiles has [0.4, 4] after [0.5, 3], expected probabilities that increase and delays "
            "that do not decrease",
        ),
        ({"model": "empirical", "quantiles": [[0.5, 3]]}, "delay.quantiles is [[0.5, 3]], expected at least 2 items"),
        (
            {"model": "empirical", "quantiles": [[0.5, 3], [1.4, 4]]},
            "delay.quantiles[1][0] is 1.4, expected at most 1",
        ),
        (
            {"model": "gamma", "mean_ms": 5},
            "delay.model is 'gamma', expected one of constant, truncated_normal, lognormal, shifted_gamma, empirical",
        ),
    ],
)
def test_impossible_delays_are_refused(delay, said):
    with pytest.raises(ConfigError) as caught:
        load_config(LinkConfig, {"delay": delay})
    assert caught.value.problems == [f"LinkConfig: {said}."]


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_a_loss_is_a_probability(probability):
    with pytest.raises(ConfigError, match="loss_probability is"):
        load_config(FeedConfig, {"delay": {"model": "constant", "delay_ms": 1}, "loss_probability": probability})


def test_durations_become_whole_nanoseconds():
    links = load_config(
        LinksConfig, "instant", folder="links", heartbeat_interval_ms=0.5, feed_recovery_ms=1e-6, decision_ms=2
    )
    assert (links.heartbeat_interval_ns, links.feed_recovery_ns, links.decision_ns) == (500_000, 1, 2_000_000)

"""Links between the desk and the exchange: how long a message takes, and how often it is lost.

All delay models come down to one table: the delay at ``DELAY_KNOTS`` standard normal
scores. A kernel draws one normal number and interpolates linearly, whatever the
model, and a coupled draw (an autocorrelated one, say) needs only a correlated normal.
"""

import math
from abc import ABC, abstractmethod
from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_env.config import Config
from twin_env.core.state.layout import DELAY_KNOTS

NS_PER_MS: Final = 1_000_000
MAX_SCORE: Final = 5.0  # one message in 3.5 million would be slower
Milliseconds = Annotated[float, Field(ge=0, le=3_600_000)]  # an hour: more is an outage, which is a fault
Probability = Annotated[float, Field(ge=0, le=1)]
_MAX_RATIO: Final = 20  # of sd to mean: keeps the delay at 5 scores within int64 nanoseconds

Floats = NDArray[np.float64]


def normal_scores() -> Floats:
    """Return the standard normal scores of the knots: -5 to 5 in steps of 1/8, shape ``(DELAY_KNOTS,)``."""
    return np.linspace(-MAX_SCORE, MAX_SCORE, DELAY_KNOTS)


class _Delay(Config, ABC):
    """A delay distribution; subclasses give its quantile function."""

    @abstractmethod
    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return the delay in ms at standard normal ``scores``: the inverse CDF at Phi(score)."""

    def quantiles_ns(self) -> NDArray[np.int64]:
        """Return the delay in ns at :func:`normal_scores`, shape ``(DELAY_KNOTS,)``, never decreasing."""
        return np.rint(self.quantiles_ms(normal_scores()) * NS_PER_MS).astype(np.int64)


class _MomentDelay(_Delay):
    """A distribution on ``[min_ms, inf)`` given by its own mean and standard deviation."""

    mean_ms: Milliseconds
    sd_ms: float = Field(gt=0, le=3_600_000)
    min_ms: Milliseconds = 0.0

    @model_validator(mode="after")
    def _check_moments(self) -> Self:
        excess_ms = self.mean_ms - self.min_ms
        if excess_ms <= 0:
            raise ValueError(f"mean_ms is {self.mean_ms:g}, expected more than min_ms {self.min_ms:g}")
        if self.sd_ms > _MAX_RATIO * excess_ms:
            raise ValueError(
                f"sd_ms is {self.sd_ms:g}, expected at most {_MAX_RATIO} times mean_ms - min_ms = {excess_ms:g}"
            )
        return self


class ConstantDelay(_Delay):
    """Every message takes ``delay_ms``."""

    model: Literal["constant"] = "constant"
    delay_ms: Milliseconds

    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return ``delay_ms`` at every score."""
        return np.full_like(scores, self.delay_ms)


class TruncatedNormalDelay(_Delay):
    """A normal distribution cut off below.

    ``mean_ms`` and ``sd_ms`` are those of the normal *before* the cut at ``min_ms``, so
    the mean of the delay is larger and its standard deviation smaller, the more the
    closer the cut is. For delays of a stated mean use another model.
    """

    model: Literal["truncated_normal"] = "truncated_normal"
    mean_ms: Milliseconds
    sd_ms: float = Field(gt=0, le=3_600_000)
    min_ms: Milliseconds = 0.0

    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return the quantiles; accurate in the upper tail because survival probabilities multiply."""
        from scipy.special import log_ndtr, ndtri_exp

        cut = (self.min_ms - self.mean_ms) / self.sd_ms
        delay_ms: Floats = self.mean_ms - self.sd_ms * ndtri_exp(log_ndtr(-scores) + log_ndtr(-cut))
        return np.maximum(delay_ms, self.min_ms)  # the lowest score may round to just below the cut


class LognormalDelay(_MomentDelay):
    """``min_ms`` plus a lognormal; ``mean_ms`` and ``sd_ms`` are those of the whole delay."""

    model: Literal["lognormal"] = "lognormal"

    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return the quantiles in closed form."""
        excess_ms = self.mean_ms - self.min_ms
        variance = math.log1p((self.sd_ms / excess_ms) ** 2)
        factors: Floats = np.exp(math.sqrt(variance) * scores - variance / 2.0)
        return self.min_ms + excess_ms * factors


class ShiftedGammaDelay(_MomentDelay):
    """``min_ms`` plus a gamma; ``mean_ms`` and ``sd_ms`` are those of the whole delay."""

    model: Literal["shifted_gamma"] = "shifted_gamma"

    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return the quantiles, each tail from its own side."""
        from scipy.special import gammainccinv, gammaincinv, ndtr

        excess_ms = self.mean_ms - self.min_ms
        shape, scale_ms = (excess_ms / self.sd_ms) ** 2, self.sd_ms**2 / excess_ms
        tail = ndtr(-np.abs(scores))
        units: Floats = np.where(scores < 0.0, gammaincinv(shape, tail), gammainccinv(shape, tail))
        return self.min_ms + scale_ms * units


class EmpiricalDelay(_Delay):
    """Measured quantiles: pairs ``[probability, delay in ms]``.

    In between, the delay is linear in the normal score of the probability. Probabilities 0
    and 1 stand for scores -5 and 5. Nothing is invented beyond the first and the last
    pair: the delay stays at theirs.
    """

    model: Literal["empirical"] = "empirical"
    quantiles: tuple[tuple[Probability, Milliseconds], ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for (p, delay_ms), (next_p, next_delay_ms) in zip(self.quantiles, self.quantiles[1:], strict=False):
            if next_p <= p or next_delay_ms < delay_ms:
                raise ValueError(
                    f"quantiles has [{next_p:g}, {next_delay_ms:g}] after [{p:g}, {delay_ms:g}], "
                    "expected probabilities that increase and delays that do not decrease"
                )
        return self

    def quantiles_ms(self, scores: Floats) -> Floats:
        """Return the quantiles."""
        from scipy.special import ndtri

        probabilities, delays_ms = np.array(self.quantiles).T
        given = np.clip(ndtri(probabilities), -MAX_SCORE, MAX_SCORE)
        interpolated: Floats = np.interp(scores, given, delays_ms)
        return interpolated


Delay = Annotated[
    ConstantDelay | TruncatedNormalDelay | LognormalDelay | ShiftedGammaDelay | EmpiricalDelay,
    Field(discriminator="model"),
]


class LinkConfig(Config):
    """One direction of one connection.

    Messages keep their order: one that is drawn faster than its forerunner waits for it, so
    at high message rates the delay that is seen lies above the one that is drawn.

    Attributes:
        delay: Distribution of the one-way delay.
    """

    delay: Delay


class FeedConfig(LinkConfig):
    """The public feed. Its messages are numbered and not repeated; all else goes over connections that lose nothing.

    Attributes:
        loss_probability: Share of messages that never arrive.
    """

    loss_probability: Probability = 0.0


class LinksConfig(Config):
    """All links of the desk, and its own reaction times.

    Attributes:
        orders: Desk to exchange.
        reports: Exchange to desk: acknowledgements, rejects, fills.
        market_data: Exchange to desk: the public feed.
        heartbeats: Each direction of the heartbeat.
        heartbeat_interval_ms: Time between two heartbeats.
        feed_recovery_ms: From a gap in the feed, once detected, to asking for the snapshot.
        decision_ms: From the desk's observation to its order leaving.
    """

    orders: LinkConfig
    reports: LinkConfig
    market_data: FeedConfig
    heartbeats: LinkConfig
    heartbeat_interval_ms: float = Field(gt=0, le=3_600_000)
    feed_recovery_ms: Milliseconds
    decision_ms: Milliseconds

    @property
    def heartbeat_interval_ns(self) -> int:
        """Time between two heartbeats in ns, at least 1."""
        return max(1, to_ns(self.heartbeat_interval_ms))

    @property
    def feed_recovery_ns(self) -> int:
        """Time from a detected gap to the request of the snapshot, in ns."""
        return to_ns(self.feed_recovery_ms)

    @property
    def decision_ns(self) -> int:
        """Time from observation to order, in ns."""
        return to_ns(self.decision_ms)


def to_ns(duration_ms: float) -> int:
    """Return a duration in whole nanoseconds."""
    return round(duration_ms * NS_PER_MS)

"""What a venue does against prices that run away: pauses after fast moves, and a band for limits."""

from typing import Final

import numpy as np
from pydantic import Field

from twin_env.config import Config

_NS_PER_S: Final = 1_000_000_000
_VELOCITY: Final = 0  # places in the venue's guards
_CIRCUIT_BREAKER: Final = 1


class Pause(Config):
    """After a fast move the venue collects orders for a while and then opens with an auction.

    Attributes:
        move_ticks: A trade farther than this from any trade in the window starts the pause.
        window_s: How far back trades are looked at: at least 7/8 of it and at most all.
        pause_s: How long the pause lasts.
    """

    move_ticks: int = Field(ge=1, le=2**40)
    window_s: float = Field(gt=0, le=86_400)
    pause_s: float = Field(gt=0, le=86_400)

    def fill_in(self, guard: np.void) -> None:
        """Write the rule into a ``layout.GUARD`` record."""
        guard["move_ticks"] = self.move_ticks
        guard["window_ns"] = round(self.window_s * _NS_PER_S)
        guard["pause_ns"] = round(self.pause_s * _NS_PER_S)


class Protections(Config):
    """Protections of one contract; what is left out does not protect.

    Attributes:
        velocity: Pause after a move within seconds (CME: velocity logic).
        circuit_breaker: Pause after a move within an hour (CME: dynamic circuit breakers).
        price_band_ticks: How far through the last trade a limit may be.
    """

    velocity: Pause | None = None
    circuit_breaker: Pause | None = None
    price_band_ticks: int | None = Field(default=None, ge=1, le=2**40)

    def fill_in(self, venue: np.void) -> None:
        """Write the rules into a ``layout.VENUE`` record."""
        for place, pause in ((_VELOCITY, self.velocity), (_CIRCUIT_BREAKER, self.circuit_breaker)):
            if pause is not None:
                pause.fill_in(venue["guards"][place])
        venue["band_ticks"] = self.price_band_ticks or 0

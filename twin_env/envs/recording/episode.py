"""What it takes to play an episode again, and what the first play left to compare with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_env.config import Config


class EpisodeError(ValueError):
    """An episode that cannot be recorded or played again. One sentence: what, where, value, what was expected."""


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode, from its reset to its last step.

    Attributes:
        env: Name of the environment in Gymnasium's registry.
        config: Of the environment.
        seed: Names the random streams of the episode, as drawn by the reset.
        options: Of the reset.
        actions: As the simulator was given them, int64 or float64 of shape ``(steps, numbers)``.
        rewards: Float64 of shape ``(steps,)``.
        hashes: Event hash of the world after the reset and after each step, ``steps + 1`` of them.
        end: ``terminated``, ``truncated``, or ``unfinished`` where it was left.
    """

    env: str
    config: Config
    seed: int
    options: dict[str, Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    hashes: tuple[int, ...]
    end: str

    def check(self, name: str, step: int, event_hash: int, reward: float) -> None:
        """Compare what one step of another play left with the first.

        Args:
            name: Of the episode, for the error.
            step: 0 is the reset.
            event_hash: Of the world after it.
            reward: Of it; not looked at for the reset.

        Raises:
            EpisodeError: It is not the same.
        """
        if event_hash != self.hashes[step]:
            raise EpisodeError(
                f"{name}: step {step} has event hash {event_hash:016x} when played again, expected "
                f"{self.hashes[step]:016x}: actions, configuration, data or version are not those of the episode"
            )
        if step and reward != self.rewards[step - 1]:
            raise EpisodeError(
                f"{name}: step {step} has reward {float(reward)!r} when played again, "
                f"expected {float(self.rewards[step - 1])!r}"
            )

"""Where the numbers of an observation stand, what they are called, and how they are encoded.

A layout is made of named groups of features. The observation is one flat float32 array: group after group,
the latest frame last. As a dictionary it has an array per group. Each environment has a kernel that
writes the numbers; tests read every feature back from a world and compare.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

CLIP: Final = 10.0
LOG_SCALE: Final = 100.0  # a count of so many becomes 1


@dataclass(frozen=True)
class Feature:
    """One number of the observation.

    Attributes:
        name: Unique.
        unit: Of the decoded number.
        scale: Decoded number that becomes 1.
        low: Smallest encoded value.
        high: Largest encoded value.
        logarithmic: Encoded as ``sign(x) log(1 + |x|) / log(1 + scale)`` instead of ``x / scale``.
        meaning: For people.
    """

    name: str
    unit: str
    scale: float
    low: float
    high: float
    logarithmic: bool
    meaning: str

    def decode(self, value: float) -> float:
        """Return the number in its unit; exact up to float32 unless it was clipped."""
        if not self.logarithmic:
            return value * self.scale
        return math.copysign(math.expm1(abs(value) * math.log1p(self.scale)), value)


def plain(name: str, unit: str, scale: float, meaning: str, low: float = -CLIP, high: float = CLIP) -> Feature:
    """Return a feature that is divided by its scale."""
    return Feature(name, unit, scale, low, high, False, meaning)


def logged(name: str, unit: str, meaning: str, low: float = 0.0) -> Feature:
    """Return a feature whose logarithm is shown."""
    return Feature(name, unit, LOG_SCALE, low, CLIP, True, meaning)


class Layout:
    """Names, units and places of the numbers of an observation.

    Attributes:
        groups: Features by group, in order.
        features: Those of one frame, in order.
        frames: Steps shown side by side, the latest last.
        as_dict: Observations are dictionaries of groups instead of one flat array.
    """

    def __init__(self, groups: Mapping[str, tuple[Feature, ...]], frames: int = 1, as_dict: bool = False) -> None:
        self.groups = dict(groups)
        self.features = tuple(feature for group in self.groups.values() for feature in group)
        self.frames = frames
        self.as_dict = as_dict
        self._places = {feature.name: place for place, feature in enumerate(self.features)}
        self._columns = self._group_columns()

    def __len__(self) -> int:
        """Return how many numbers a flat observation has, all frames together."""
        return self.frames * len(self.features)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def place(self, name: str, back: int = 0) -> int:
        """Return where a feature stands in a flat observation, ``back`` frames before the latest.

        Raises:
            KeyError: There is no such feature.
            IndexError: There is no such frame.
        """
        if not 0 <= back < self.frames:
            raise IndexError(f"back={back}, but the observation has {self.frames} frames")
        return (self.frames - 1 - back) * len(self.features) + self._places[name]

    def value(self, observation: Any, name: str, back: int = 0) -> float:
        """Return one feature of one observation, flat or not, in its unit."""
        place = self.place(name, back)
        return self.features[self._places[name]].decode(float(self.flatten(observation)[place]))

    def decode(self, observation: Any, back: int = 0) -> dict[str, float]:
        """Return every feature of one frame of one observation, flat or not, in its unit."""
        flat = self.flatten(observation)
        if flat.shape != (len(self),):
            raise ValueError(f"observation has shape {flat.shape}, expected ({len(self)},)")
        return {f.name: f.decode(float(flat[self.place(f.name, back)])) for f in self.features}

    def flatten(self, observation: Any) -> NDArray[np.float32]:
        """Return an observation, or a batch of them, as a flat array: ``shape (..., len(layout))``."""
        if not isinstance(observation, Mapping):
            return np.asarray(observation)
        some = next(iter(observation.values()))
        flat = np.empty((*np.shape(some)[:-1], len(self)), np.float32)
        for name, columns in self._columns.items():
            flat[..., columns] = observation[name]
        return flat

    def present(self, flat: NDArray[np.float32]) -> Any:
        """Return a copy of flat observations, shape ``(..., len(layout))``, in the form users asked for."""
        if not self.as_dict:
            return flat.copy()
        return {name: flat[..., columns] for name, columns in self._columns.items()}

    def space(self) -> gym.Space[Any]:
        """Return the space of one observation."""
        low = np.array([feature.low for feature in self.features] * self.frames, np.float32)
        high = np.array([feature.high for feature in self.features] * self.frames, np.float32)
        if not self.as_dict:
            return gym.spaces.Box(low, high, dtype=np.float32)
        return gym.spaces.Dict(
            {name: gym.spaces.Box(low[at], high[at], dtype=np.float32) for name, at in self._columns.items()}
        )

    def table(self) -> str:
        """Return one frame as a Markdown table, as docs/environment.md shows it."""
        rows = [
            "| Num | Group | Name | Unit | Encoded as | Min | Max | Meaning |",
            "|---|---|---|---|---|---|---|---|",
        ]
        place = 0
        for group, features in self.groups.items():
            for f in features:
                encoding = f"log1p(x) / {math.log1p(f.scale):.3f}" if f.logarithmic else f"x / {f.scale:g}"
                cells = (str(place), group, f.name, f.unit, encoding, f"{f.low:g}", f"{f.high:g}", f.meaning)
                rows.append(f"| {' | '.join(cells)} |")
                place += 1
        return "\n".join(rows)

    def _group_columns(self) -> dict[str, NDArray[np.int64]]:
        """Return where each group's numbers stand in a flat observation, frame after frame."""
        columns, first = {}, 0
        for name, features in self.groups.items():
            frames = [np.arange(len(features)) + first + frame * len(self.features) for frame in range(self.frames)]
            columns[name] = np.concatenate(frames)
            first += len(features)
        return columns

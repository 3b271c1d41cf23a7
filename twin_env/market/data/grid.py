"""The grid that prices and sizes lie on, found out from the numbers themselves."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.tape import TapeError

_MOST_DECIMALS: Final = 9
_RELATIVE_TOLERANCE: Final = 4e-15  # of the value: some roundings of a float, far less than a step


def find_tick_size(name: str, prices: NDArray[np.float64]) -> float:
    """Return the largest tick all prices are multiples of.

    Args:
        name: Of the file, for errors.
        prices: In the quote currency; NaN, infinity and 0 say nothing.

    Raises:
        TapeError: There is no price, or one has more than nine decimals.
    """
    known = np.unique(prices[np.isfinite(prices) & (prices != 0)])
    if not len(known):
        raise TapeError(f"{name}: there is no price, expected tick_size to be given")
    decimals = count_decimals(known)
    if decimals is None:
        raise TapeError(
            f"{name}: prices have more than {_MOST_DECIMALS} decimals, expected fewer, or tick_size to be given"
        )
    units = np.rint(np.abs(known) * 10.0**decimals).astype(np.int64)
    return float(int(np.gcd.reduce(units)) / 10**decimals)


def find_lot_size(name: str, sizes: NDArray[np.float64]) -> float:
    """Return the power of ten, at most 1, all sizes are multiples of.

    A power of ten and not the largest divisor: sizes that all happen to be even say nothing about the lot.

    Args:
        name: Of the file, for errors.
        sizes: NaN and infinity say nothing.

    Raises:
        TapeError: A size has more than nine decimals.
    """
    decimals = count_decimals(np.unique(sizes[np.isfinite(sizes)]))
    if decimals is None:
        raise TapeError(
            f"{name}: sizes have more than {_MOST_DECIMALS} decimals, expected fewer, or lot_size to be given"
        )
    return float(1 / 10**decimals)


def count_decimals(values: NDArray[np.float64]) -> int | None:
    """Return how many decimals are enough to write all values, None if more than nine."""
    for decimals in range(_MOST_DECIMALS + 1):
        exact = values * 10.0**decimals
        if (abs(exact) > np.iinfo(np.int64).max / 2).any():
            return None
        if (abs(exact - np.rint(exact)) <= _RELATIVE_TOLERANCE * abs(exact)).all():
            return decimals
    return None

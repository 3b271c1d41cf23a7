"""The one number by which a policy is judged, and its tag in TensorBoard."""

from collections.abc import Mapping
from typing import NamedTuple


class Headline(NamedTuple):
    """The number that judges an episode.

    Attributes:
        tag: Its name in TensorBoard, beside the keys of the info; the unit is its last part.
        value: Of one episode, or a mean.
    """

    tag: str
    value: float


def headline_of(info: Mapping[str, float]) -> Headline:
    """Return what judges an episode, from the info of its last step, or from means of such infos.

    A trader is judged by the net result in account currency; who works a parent order by the shortfall in basis points
    less the drift of the efficient price, which no policy makes (zero where a market has no such price).
    """
    if "trade/orders" in info:
        return Headline("alpha/net", info["alpha/net"])
    return Headline("exec/without_drift_bps", info["exec/is_bps"] - info["exec/drift_bps"])

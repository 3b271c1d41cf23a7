"""What judges an episode: a number of its last info, its unit, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

IS_BPS: Final = "exec/is_bps"
DRIFT_BPS: Final = "exec/drift_bps"
NET: Final = "alpha/net"
FILLED_LOTS: Final = "exec/filled_lots"
FILLS: Final = "exec/fills"


@dataclass(frozen=True)
class Objective:
    """One way to judge an episode.

    Attributes:
        name: As users type it, in ``--measure``.
        title: In tables and sentences.
        key: Info key of the last step that holds it.
        unit: ``bps``, or ``ccy`` for the account currency.
        lower_is_better: It is a cost.
        control_key: Info key of a number with mean zero under any policy, such as the market's drift. It is taken off
            ``key``: the mean over episodes stays, most of its noise goes (a control variate). ``None`` for none.
        control_title: Added to the title where that number is known.
    """

    name: str
    title: str
    key: str
    unit: Literal["bps", "ccy"]
    lower_is_better: bool
    control_key: str | None = None
    control_title: str = ""

    @property
    def tag(self) -> str:
        """Its name in TensorBoard, beside the keys of the info: its key, or a name of its own without its control."""
        if self.control_key is None:
            return self.key
        return f"{self.key.partition('/')[0]}/{self.name}_{self.unit}"

    def value(self, info: Mapping[str, float]) -> float:
        """Return it, from the info of an episode's last step."""
        return info[self.key] - (info[self.control_key] if self.control_key else 0.0)

    def cost(self, info: Mapping[str, float]) -> float:
        """Return it as a cost: the lower the better."""
        return self.value(info) if self.lower_is_better else -self.value(info)


UNITS: Final = {"bps": "bps", "ccy": "account currency"}
"""Units in words."""

SHORTFALL: Final = Objective("shortfall", "shortfall", IS_BPS, "bps", True)
SHORTFALL_WITHOUT_DRIFT: Final = Objective(
    "without_drift", "shortfall", IS_BPS, "bps", True, DRIFT_BPS, " without drift"
)
NET_RESULT: Final = Objective("net", "net result", NET, "ccy", False)

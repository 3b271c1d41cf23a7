"""Names of the split, in the order in which the ledger writes it."""

from collections.abc import Mapping
from typing import Final

from twin_env.core import ledger

SPLIT_NAMES: Final = ledger.SPLIT_NAMES
PARTS: Final = SPLIT_NAMES[ledger.TIMING :]
"""Parts of execution alpha; they sum to it exactly."""

ALPHA_KEYS: Final = tuple(f"alpha/{name}" for name in SPLIT_NAMES)

FIRST_PART: Final = ledger.TIMING
"""Where the parts begin in the ledger's output, and so in ``SPLIT_NAMES``."""

MEANINGS: Final[Mapping[str, str]] = {
    "net": "Cash plus inventory at the exchange's mid when the episode ended. Strategy + execution, exactly.",
    "strategy": "What the decisions were worth, each filled in full at its desired price when its condition came true.",
    "execution": "What carrying it out cost or earned. The sum of the parts below, exactly.",
    "timing": "Move of the mid between a decision to trade at once and the first send of the order that filled.",
    "latency": "Move of the mid while that order was on its way to the exchange.",
    "spread": "From the mid to the opposite touch on entry, for fills that took.",
    "impact": "From the opposite touch on entry, or a stop's trigger, to the price paid: walking the book.",
    "queue_wait": "Move of the mid while an order waited at the exchange; what a touched limit paid when it was moved.",
    "spread_earned": "From the mid just before the fill to its price, for fills that rested.",
    "opportunity": "From the desired price to the mid, for lots that were due and not filled.",
    "fees": "Paid to broker and exchange.",
}
"""What each is, in account currency, positive when it earned."""

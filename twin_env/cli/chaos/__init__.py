"""``twin chaos``: experiments that break things on purpose, and what came of them."""

from typing import Final

HELP: Final = "experiments that break things on purpose, and what came of them"

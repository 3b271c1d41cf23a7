"""``twin record``: recorded episodes."""

from typing import Final

HELP: Final = "look at recorded episodes"

"""``twin bundle``: evaluations in one file that anybody can play again."""

from typing import Final

HELP: Final = "pack an evaluation into one file, and verify one by playing it again"

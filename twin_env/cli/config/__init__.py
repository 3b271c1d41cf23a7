"""``twin config``: configurations as they are read."""

from typing import Final

HELP: Final = "show configurations as they are read"

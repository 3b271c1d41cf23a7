"""Policies: rules, loaders of trained models, and what trains and plays them.

Other distributions install a package of this name, too; ``DISTRIBUTION`` tells them apart.
"""

from typing import Final

DISTRIBUTION: Final = "twin-env"

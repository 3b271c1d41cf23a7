"""The alpha split as people read it."""

from twin_env.alpha.parts import ALPHA_KEYS, PARTS, SPLIT_NAMES

__all__ = ["ALPHA_KEYS", "PARTS", "SPLIT_NAMES"]

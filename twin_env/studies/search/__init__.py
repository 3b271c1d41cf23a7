"""Search for the most damaging experiment that is still plausible.

It knows experiments and a callable that scores them, not environments: whoever calls it brings the worlds.
"""

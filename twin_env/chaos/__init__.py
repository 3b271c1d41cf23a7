"""Chaos: experiments that break the market, the venue, the wires or the strategy on purpose."""

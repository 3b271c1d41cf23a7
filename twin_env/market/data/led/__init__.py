"""Histories that lead a synthetic market: the efficient price follows trades, quotes or bars."""

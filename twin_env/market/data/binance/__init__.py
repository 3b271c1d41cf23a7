"""Recordings of Binance's streams: depth differences and trades."""

"""LOBSTER's message and order book files."""

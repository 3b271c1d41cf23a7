"""Measurements: ``python -m benchmarks`` prints them and writes them as JSON."""

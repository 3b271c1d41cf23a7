"""Measurements: ``twin bench`` prints them and writes them as JSON."""
